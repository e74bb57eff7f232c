import { expect, it } from 'vitest';
import { diagnose } from '../../../../shared/diagnosis/index.ts';

const named = async (log: string): Promise<string[]> =>
  (await diagnose(log, { platform: 'github', jobName: 'test' })).tests;

it.each([
  ['Gradle', 'com.acme.PriceTest > adds tax FAILED\n', ['com.acme.PriceTest.adds tax']],
  [
    'Gradle with TestNG',
    'Gradle suite > Gradle test > com.acme.PriceTest.addsTax FAILED\n:test FAILED\n> Task :test FAILED\n',
    ['com.acme.PriceTest.addsTax'],
  ],
  [
    'Surefire of old',
    'addsTax(com.acme.PriceTest)  Time elapsed: 0.2 sec  <<< FAILURE!\n\nTests in error: \n  rounds(com.acme.PriceTest): boom\n\nTests run: 2\n',
    ['com.acme.PriceTest.addsTax', 'com.acme.PriceTest.rounds'],
  ],
  [
    'Surefire 3',
    '[ERROR] com.acme.PriceTest.addsTax -- Time elapsed: 0.02 s <<< ERROR!\n[ERROR] Failures: \n[ERROR]   PriceTest.addsTax:12 expected\n',
    ['com.acme.PriceTest.addsTax'],
  ],
  [
    'Ant',
    '    [junit] Testsuite: com.acme.PriceTest\n    [junit] Testcase: addsTax took 0.1 sec\n    [junit] Testcase: rounds took 0.2 sec\n    [junit] \tFAILED\n',
    ['com.acme.PriceTest.rounds'],
  ],
  [
    'pytest',
    'test_a.py::test_ok PASSED [ 50%]\nFAILED test_a.py::test_total[a b] - assert 1 == 2\nERROR test_b.py::test_setup\n',
    ['test_a.py::test_total[a b]', 'test_b.py::test_setup'],
  ],
  ['unittest', 'FAIL: test_total (test_price.PriceTest)\n', ['test_price.PriceTest.test_total']],
  [
    'Go',
    '--- PASS: TestOk (0.00s)\n--- FAIL: TestTotal (0.00s)\n    --- FAIL: TestTotal/tax (0.00s)\n',
    ['TestTotal', 'TestTotal/tax'],
  ],
  ['Rust', 'test tests::adds ... ok\ntest tests::adds_tax ... FAILED\n', ['tests::adds_tax']],
  [
    'jest',
    'FAIL ./price.test.js\n  ● price › adds tax\n\n  ● Console\n\n  ● Test suite failed to run\n',
    ['price › adds tax'],
  ],
  ['vitest', ' FAIL  test/a.test.ts > price > adds tax\n', ['test/a.test.ts > price > adds tax']],
  [
    'mocha',
    '    ✓ rounds\n    1) adds tax\n\n  1 passing\n  2 failing\n\n  1) price\n       adds tax:\n     Error: no\n      at a.js:1:2\n\n  2) shop "before all" hook:\n     Error\n',
    ['price adds tax', 'shop "before all" hook'],
  ],
  [
    'a reporter with crosses',
    '      ✔ draws\n      ✖ draws a line (12ms)\n      ✖ is left out (skipped)\n',
    ['draws a line'],
  ],
  ['TAP', 'ok 1 - a\nnot ok 2 - adds tax\nnot ok 3 - later # TODO\n', ['adds tax']],
  ['RSpec', 'rspec ./spec/price_spec.rb:3 # Price adds tax\n', ['Price adds tax']],
  [
    'googletest',
    '[  FAILED  ] PriceTest.AddsTax (3 ms)\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] PriceTest.AddsTax\n',
    ['PriceTest.AddsTax'],
  ],
  ['ctest', 'The following tests FAILED:\n\t  3 - price_test (Failed)\n', ['price_test']],
  ['dotnet', '  Failed Acme.PriceTests.AddsTax [12 ms]\n', ['Acme.PriceTests.AddsTax']],
  ['xUnit', '    Acme.PriceTests.AddsTax(vat: 19) [FAIL]\n', ['Acme.PriceTests.AddsTax(vat: 19)']],
  ['XCTest', "Test Case '-[PriceTests testTax]' failed (0.1 seconds).\n", ['PriceTests testTax']],
  ['ScalaTest', '[info] - adds tax *** FAILED ***\n', ['adds tax']],
  ['Common Test', 'Testing apps.shop: *** FAILED {cart_SUITE,adds_tax} ***\n', ['cart_SUITE.adds_tax']],
  ['Clojure', 'FAIL in (adds-tax-test) (cart_test.clj:7)\n', ['adds-tax-test']],
  ['testthat', "  ── Failure ('test-cart.R:3:3'): adds tax ──────\n", ['adds tax']],
  ['Julia', 'Cart: Test Failed at /builds/shop/test/runtests.jl:6\n', ['Cart']],
  ['Robot Framework', 'Adds tax                     | FAIL |\n100 != 119\n', ['Adds tax']],
  ['Cucumber', 'cucumber features/cart.feature:7 # Scenario: adds tax\n', ['adds tax']],
  ['Pester', '  [-] adds tax 12ms (10ms|2ms)\n', ['adds tax']],
  ['Ginkgo', '[FAIL] Cart [It] adds tax\n', ['Cart [It] adds tax']],
  ['Deno', 'adds tax => ./cart_test.ts:3:6\n', ['adds tax']],
  ['AVA', '  ✖ [fail]: cart adds tax\n', ['cart adds tax']],
  ['minitest', 'Failure:\nCartTest#test_total [test/cart_test.rb:12]:\nExpected: 119\n', ['CartTest#test_total']],
  ['Flutter', '00:03 +12 -1: /app/test/cart_test.dart: adds tax [E]\n00:04 +13 -1: ok\n', ['adds tax']],
  [
    'Playwright',
    '  1) [chromium] › cart.spec.ts:12:5 › cart › adds an item ──────\n    Retry #1 ───\n  2) b.spec.ts:1:2 › opens\n',
    ['cart.spec.ts › cart › adds an item', 'b.spec.ts › opens'],
  ],
  ['Bazel', '//app:price_test                    FAILED in 3 out of 3 in 0.4s\n', ['//app:price_test']],
])('names what failed under %s', async (_, log, tests) => {
  expect(await named(log)).toEqual(tests);
  expect(await named(log.replaceAll('\n', '\r\n'))).toEqual(tests);
});

it('names nothing where nothing failed', async () => {
  expect(
    await named(
      '✖ Found 3 visual changes\n✗ High severity vulnerability found in axios\nTests: 3 passed\nok 1 - a\n✓ works\n  0 failing\nFAILED TO LOAD module x\n',
    ),
  ).toEqual([]);
});

it('names each once, at most 500, and no secrets', async () => {
  const many = Array.from({ length: 2000 }, (_, i) => `--- FAIL: Test${i} (0.00s)\n`).join('');
  expect(await named(many + many)).toHaveLength(500);
  const token = `ghp_${'a1B2'.repeat(9)}`;
  expect((await named(`--- FAIL: TestLogin/${token} (0.00s)\n`)).join()).not.toContain(token);
});
