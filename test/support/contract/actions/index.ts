import { anywhere } from './anywhere.ts';
import { braket } from './braket.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { huggingface } from './huggingface.ts';
import type { ActionRow } from './row.ts';
import { vercel } from './vercel.ts';

export { requestOf, SINCE } from './row.ts';

export const ACTION_ROWS: readonly ActionRow[] = [
  ...github,
  ...gitlab,
  ...vercel,
  ...huggingface,
  ...braket,
  ...anywhere,
];
