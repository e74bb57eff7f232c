import type { Platform, ReadParameters } from '../port.ts';
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
  // A build is run again by a push or by a person; to try it again as it was changes nothing.
  retryOptions: () => [],
  look,
  client: (parameters: ReadParameters) => hubOf(parameters),
};
