import { createHash } from 'node:crypto';
import type { Remediation } from '../../shared/model/index.ts';

/** The page behind the link of a message that asks: it has to be read on a telephone, at night, without a script. */

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 40rem; padding: 1.5rem 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1rem; margin: 0; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
form { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { font: inherit; min-height: 2.75rem; padding: 0 1.5rem; border: 1px solid; border-radius: .5rem; background: none; color: inherit; cursor: pointer; }
button[value=approve] { background: #1a7f37; border-color: #1a7f37; color: #fff; }
button:focus-visible { outline: 3px solid #4493f8; outline-offset: 2px; }
[role=status] { margin-top: 1.5rem; font-weight: 600; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; } }
`;
const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;

const BUTTONS =
  '<form method="post"><button name="answer" value="approve">Approve</button><button name="answer" value="refuse">Refuse</button></form>';

const MAX_LENGTH = 1_000;
/** Names come from outside. */
const escaped = (value: string): string =>
  value.slice(0, MAX_LENGTH).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const minutes = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;

/** `says`: what became of it; undefined: it waits, and the page has the buttons. */
export function approvalPage(status: number, fix: Remediation, says?: string): Response {
  const { approvalUntil, playbook, tier = 1 } = fix;
  const title = says === undefined ? 'May QMOI do this?' : 'QMOI asked';
  const rows = [
    ['What', fix.action],
    ['Where', `${fix.repository} (${fix.platform})`],
    ['Jobs', fix.targets.join(', ')],
    ['Why', fix.reason ?? ''],
    ['Playbook', `${playbook}, tier ${tier}`],
    ...(approvalUntil === undefined ? [] : [['Answer by', `${minutes(approvalUntil)}; no answer means no`]]),
  ];
  const list = rows.map(([name, value = '']) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('');
  const rest = says === undefined ? BUTTONS : `<p role="status">${escaped(says)}</p>`;
  return new Response(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}</style><main><h1>${title}</h1><dl>${list}</dl>${rest}</main></html>`,
    {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': `default-src 'none'; style-src '${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'`,
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-robots-tag': 'noindex',
      },
    },
  );
}
