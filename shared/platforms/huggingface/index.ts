import type { Platform, ReadParameters } from '../port.ts';
import { onlyAsNamed } from '../single-run.ts';
import { hubOf } from './hub.ts';
import { look } from './look.ts';
import { normalise } from './normalise.ts';
import { read, verify } from './receive.ts';

export const huggingface: Platform = {
  name: 'huggingface',
  title: 'Hugging Face',
  verifiedWith: ['huggingface-webhook-secret'],
  verify,
  read,
  normalise,
  // A Space that is started anew goes down meanwhile, if it was up at all.
  retryOptions: onlyAsNamed('restart-space'),
  look,
  client: (parameters: ReadParameters) => hubOf(parameters),
};
