const MARK = '[redacted]';

/**
 * Tokens that are recognisable by their own shape. Every repetition is bounded and starts behind a fixed prefix, so the
 * cost of a position is bounded and the whole linear.
 */
const SHAPES: readonly RegExp[] = [
  /(?:gh[pousr]_[A-Za-z0-9]{16,255}|github_pat_[A-Za-z0-9_]{20,255})/g,
  /(?:gl(?:pat|ptt|dt|rt|rtr|cbt|ft|soat|imt|agent|oas|ffct)-|GR1348941)[A-Za-z0-9_.-]{16,300}/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}\b/g,
  /\bxox[a-z]-[A-Za-z0-9-]{10,250}|\bxapp-\d-[A-Za-z0-9-]{10,250}/g,
  /\bhttps:\/\/hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/-]{10,200}/g,
  /\bhttps:\/\/(?:\w{1,10}\.)?discord(?:app)?\.com\/api\/webhooks\/[\w/-]{10,200}/g,
  /(?:\bbot|(?<!\d))\d{8,10}:[A-Za-z0-9_-]{35}\b/g,
  /\bATBB[A-Za-z0-9]{20,60}\b|\bATCTT3[A-Za-z0-9_=-]{30,300}|\bHRKU-[A-Za-z0-9_-]{30,70}|\b(?:fm1[ar]?|fm2|fo1)_[A-Za-z0-9+/=_-]{30,1000}|\bsq[puas]_[a-f0-9]{40}\b|\bpul-[a-f0-9]{40}\b/g,
  /\b[A-Za-z0-9_]{3}\dQ~[A-Za-z0-9_.~-]{31,40}|\bsb(?:p|s)_[A-Za-z0-9]{36,60}\b|\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,80}|\bops_eyJ[A-Za-z0-9_-]{50,2000}|\bAKCp[A-Za-z0-9]{60,80}\b|\bovsxat_[A-Za-z0-9-]{30,50}/g,
  /\bhttps:\/\/[\w-]{1,60}\.webhook\.office\.com\/webhookb2\/[\w@/-]{30,300}|\b[a-f0-9]{32}-us\d{1,2}\b|\bntn_[A-Za-z0-9]{40,60}|\bsecret_[A-Za-z0-9]{43}\b|\bCFPAT-[A-Za-z0-9_-]{40,60}|\bsl\.(?:u\.)?[A-Za-z0-9_-]{100,1500}|\bxkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|\bpnu_[A-Za-z0-9]{30,60}|\btfp_[A-Za-z0-9_.]{40,100}|\bico-[A-Za-z0-9]{32}\b|\bdop?_v1_[a-f0-9]{64}\b|\bhvb\.[A-Za-z0-9_-]{20,300}|\bEZAK[A-Za-z0-9]{50,60}\b|\bduffel_(?:live|test)_[A-Za-z0-9_=-]{40,60}|\brdme_[a-z0-9]{60,80}\b/g,
  /\beyJ[A-Za-z0-9_-]{6,2000}\.[A-Za-z0-9_-]{4,4000}(?:\.[A-Za-z0-9_-]{0,2000})?/g,
  /\bAIza[A-Za-z0-9_-]{30,60}|\bya29\.[A-Za-z0-9_-]{20,400}|\bGOCSPX-[A-Za-z0-9_-]{20,60}|\b1\/\/0[A-Za-z0-9_-]{30,200}/g,
  /\b(?:[srp]k|whsec)_(?:live|test)?_?[A-Za-z0-9]{16,250}/g,
  /\bnpm_[A-Za-z0-9]{30,60}|\bpypi-[A-Za-z0-9_-]{30,500}|\brubygems_[a-f0-9]{40,60}|\bcio[A-Za-z0-9]{32}\b|\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,80}/g,
  /\bhf_[A-Za-z0-9]{24,60}|\bsk-[A-Za-z0-9_-]{20,250}|\br8_[A-Za-z0-9]{30,60}|\bdapi[a-f0-9]{32}\b/g,
  /\bSG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{30,60}|\bkey-[a-f0-9]{32}\b|\b(?:SK|AC)[a-f0-9]{32}\b/g,
  /\b(?:dop|doo|dor)_v1_[a-f0-9]{40,80}|\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|\bNRAK-[A-Z0-9]{20,40}|\blin_api_[A-Za-z0-9]{30,60}|\bglsa_[A-Za-z0-9_]{30,60}|\bglc_[A-Za-z0-9+/=]{30,400}/g,
  /\bhv[sbr]\.[A-Za-z0-9_-]{20,300}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,100}|\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{20,100}|\bAGE-SECRET-KEY-1[A-Z0-9]{40,80}|\bATATT3[A-Za-z0-9_=-]{30,300}|\bsq0[a-z]{3}-[A-Za-z0-9_-]{20,60}|\bEAA[A-Za-z0-9]{40,300}\b|\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b|\bsntry[su]_[A-Za-z0-9+/=_-]{30,400}|\bPMAK-[a-f0-9-]{50,70}|\btskey-[A-Za-z0-9-]{20,100}|\bfigd_[A-Za-z0-9_-]{30,60}|\bvc[apikr]_[A-Za-z0-9]{20,80}|\bnfp_[A-Za-z0-9]{30,60}|\bCCIPAT_[A-Za-z0-9_]{30,80}|\bbkua_[a-z0-9]{30,60}/g,
];

/** `scheme://user:password@host` and `scheme://token@host`. */
const USERINFO = /([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'<>]{1,400}@/gi;
/** `git@github.com:…` is an address of a repository, and `name@v1.2.x` a version. */
const EMAIL = /(?<![\w.+/-])(?!git@)[\w.+-]{1,64}@(?!v\d)(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w.]*\/)/g;
const AUTHORIZATION =
  /\b((?:proxy-)?authorization["']?\s{0,3}[:=]\s{0,3}["']?)(?:(?:bearer|basic|token|digest|ssws|apikey|negotiate|ntlm|hmac|aws4-hmac-sha256)\s{1,3})?[^\s"',]{4,4000}/gi;
const BEARER = /\b(bearer|basic)(\s{1,3})(?=[A-Za-z0-9._~+/=-]{0,200}[\d=])[A-Za-z0-9._~+/=-]{16,4000}/gi;
const COOKIE = /\b((?:set-)?cookie\s{0,3}:\s{0,3})[^\n]{4,4000}/gi;

/** `name=`, `"name": `, `name => `: what follows is judged by the name. Starts at the start of a name only. */
const NAMED = /(?<![\w.-])([\w.-]{1,80})["']?\s{0,3}(?:=>|:=|=|:)\s{0,3}/g;
const FLAG = /(?<!\S)--?([a-z][a-z-]{1,60})\s{1,3}(?=[^\s-])/g;
const VALUE = /"[^"\n]{1,2000}"?|'[^'\n]{1,2000}'?|[^\s"'`,;&|<>(){}]{1,2000}/y;
/** What stands right behind a quoted value is of the same word, as shells read it. */
const BEHIND = /[^\s"'`,;&|<>(){}]{0,2000}/y;
const TELLING_WORD =
  /^(?:pass|pwd|pat|dsn|sig|credentials?|signature)$|(?:passw(?:or)?d|passphrase|passcode|secret|token|apikey|accesskey|secretkey|privatekey|authkey)$/;
const TELLING_PAIR =
  /^(?:api|access|account|shared|signing|private|encryption|auth|secret|deploy|master|storage) key$|^session id$|^webhook url$|^key data$|^connection string$|^(?:npm )?auth$/;
const NETRC = /(\blogin\s{1,4}\S{1,200}\s{1,4}password\s{1,4})\S{1,400}/gi;
/** The same file over several lines: the password is the last word of its line, and has a digit as no ordinary word. */
const NETRC_LINE = /(\bpassword\s{1,4})(?=[^\s\d]{0,200}\d)\S{6,400}(?=\s{0,4}$)/gim;
/** `curl -u name:password`, `docker login -p password`; a number is a port or a user's. */
const CURL_USER =
  /\b(curl\b[^\n]{0,300}?\s(?:-u|-U|--user|--proxy-user)[\s=]{0,3}["']?[^\s:"']{1,100}:)(?!\$)[^\s"']{1,400}/g;
const LOGIN = /\b((?:login\b|sshpass\b)[^\n]{0,300}?\s-p\s{0,3}["']?)(?!\$|\d{1,5}(?!\S))[^\s"']{4,400}/g;
/** A body line of a key whose first line is out of sight. */
const BASE64_LINE =
  /^(\s{0,12})(?![0-9a-f]{40,128}\s{0,4}$)(?=[^\n]{0,100}[+/0-9])[A-Za-z0-9+/]{48,128}={0,2}\s{0,4}$/gm;

/** Names that only sound like it: the working directory, a library. */
const NO_SECRET = /^(?:(?:OLD|INIT_)?PWD=["']?(?:[/$~]|[A-Za-z]:)|libsecret[\w.-]{0,60}=)/;
/** Values that are no secrets: masked already, references, and the words an error message uses. */
const NO_VALUE =
  /^["']?(?:\d{1,6}:(?:\d{1,5}:?)?|\*+|\[?(?:redacted|masked|filtered|hidden)\]?|x{3,}|\$.*|%\w+%|<.*|null|nil|none|undefined|true|false|yes|no|not|missing|empty|invalid|required|expired|unexpected|is|was|has|must|unknown|string|number|\.\.\.)["']?$/i;
const PLAIN_WORD = /^(?:[A-Za-z]{1,24}|[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){1,6})[.:]?$/;

function keyBlocks(text: string): string {
  let from = text.indexOf('-----BEGIN ');
  if (from < 0) return text;
  let out = '';
  let done = 0;
  while (from >= 0) {
    const head = text.slice(from, from + 80);
    if (/^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/.test(head)) {
      const close = text.indexOf('-----END', from);
      // No end in sight: the rest is taken for the key, for half a key is a secret too.
      const lineEnd = close < 0 ? -1 : text.indexOf('-----', close + 8);
      out += `${text.slice(done, from)}${MARK}`;
      done = close < 0 || lineEnd < 0 ? text.length : lineEnd + 5;
    }
    from = text.indexOf('-----BEGIN ', Math.max(done, from + 11));
  }
  return out + text.slice(done);
}

/** `DB_PASSWORD`, `clientSecret`, `_authToken`, `aws_secret_access_key`; not `tokenizer`, `tokens`, `bypass`. */
function tellsSecret(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])(?=[A-Z])/g, '$1 ')
    .toLowerCase()
    .split(/[\s_.-]+/)
    .filter((word) => word !== '' && !/^\d+$/.test(word));
  // An identifier says its kind at the end; one word may follow (`TOKEN_PROD`, `access_key_id`).
  return words.slice(-2).some((word, i, last) => {
    const before = i === 0 ? words.at(-last.length - 1) : last[i - 1];
    return (
      TELLING_WORD.test(word) ||
      TELLING_PAIR.test(before ? `${before} ${word}` : word) ||
      (name === '_auth' && word === 'auth')
    );
  });
}

function namedValues(text: string, pattern: RegExp, prose: boolean): string {
  let out = '';
  let done = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const name = match[1] ?? '';
    if (!tellsSecret(name)) continue;
    VALUE.lastIndex = pattern.lastIndex;
    const value = VALUE.exec(text)?.[0];
    if (!value || NO_VALUE.test(value) || NO_SECRET.test(`${name}=${value}`)) continue;
    // `=` assigns; a colon is prose as often, so an unquoted plain or short word, or the name of a variable, after it is left alone.
    const assigns = match[0].includes('=');
    if (prose && !assigns && (PLAIN_WORD.test(value) || value.length < 4)) continue;
    out += text.slice(done, pattern.lastIndex) + MARK;
    BEHIND.lastIndex = VALUE.lastIndex;
    done = pattern.lastIndex = VALUE.lastIndex + (BEHIND.exec(text)?.[0].length ?? 0);
  }
  return out + text.slice(done);
}

/**
 * Removes secrets from text that is about to be stored or sent: tokens by their shape, private keys, credentials in URLs,
 * `name=value` where the name says so, e-mail addresses. Linear in the length of the text. Redacting twice changes nothing.
 */
export function redact(text: string): string {
  let out = keyBlocks(text);
  out = out.replace(USERINFO, `$1${MARK}@`);
  for (const shape of SHAPES) out = out.replace(shape, MARK);
  out = out.replace(AUTHORIZATION, `$1${MARK}`).replace(COOKIE, `$1${MARK}`).replace(BEARER, `$1$2${MARK}`);
  out = namedValues(out, NAMED, true);
  out = namedValues(out, FLAG, false);
  for (const shape of [NETRC, NETRC_LINE, CURL_USER, LOGIN, BASE64_LINE]) out = out.replace(shape, `$1${MARK}`);
  return out.replace(EMAIL, '[email]');
}
