import { Webhooks } from '@octokit/webhooks';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { platforms } from '../../shared/platforms/index.ts';

const SECRET = 'It is a secret';

it("verifies what GitHub's own library signs, and nothing that it would not", async () => {
  const theirs = new Webhooks({ secret: SECRET });
  const read = async () => ({ 'github-webhook-secret': SECRET });
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.string({ unit: 'binary' }), async (payload, other) => {
      const body = payload + other.replace(/[\ud800-\udfff]/g, '');
      const verdict = (signature: string) =>
        platforms.github?.verify(
          { headers: { 'x-hub-signature-256': signature }, body: Buffer.from(body) },
          read,
          new Date(),
        );
      const signature = await theirs.sign(body);
      expect(await verdict(signature)).toBe('verified');
      expect(await theirs.verify(body, signature)).toBe(true);
      const wrong = await new Webhooks({ secret: 'another' }).sign(body);
      expect(await verdict(wrong)).toBe('refused');
    }),
    { numRuns: 50 },
  );
});
