import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;

/** Reads `pattern TAB event` a line, answers `match`, `no match` or `invalid TAB reason` a line. */
public class MatchPatterns {
  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintWriter out = new PrintWriter(new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8)));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      int tab = line.indexOf('\t');
      out.println(answer(line.substring(0, tab), line.substring(tab + 1)));
    }
    out.flush();
  }

  private static String answer(String pattern, String event) throws Exception {
    Machine machine = new Machine();
    try {
      machine.addRule("rule", pattern);
    } catch (Exception e) {
      return "invalid\t" + String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    }
    return machine.rulesForJSONEvent(event).isEmpty() ? "no match" : "match";
  }
}
