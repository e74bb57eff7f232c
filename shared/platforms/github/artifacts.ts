import * as z from 'zod/mini';
import type { Job } from '../../model/index.ts';
import { timeOf } from '../clean.ts';
import { platformId } from '../request.ts';

/** GitHub keeps no reports of tests, but workflows upload them: as artifacts whose names say so. */
const artifact = z.object({
  id: platformId,
  name: z.string(),
  size_in_bytes: z.number(),
  expired: z.nullish(z.boolean()),
  created_at: z.nullish(z.string()),
});

const NAMED = /junit|(?<![a-z])tests?(?![a-z])|test[ _-]?(?:results?|reports?)/i;
export const MAX_ARTIFACT_BYTES = 2 * 1024 * 1024;
const MAX_ARTIFACTS = 3;
/** GitHub's times are whole seconds, and those of artifacts are not those of jobs. */
const LEEWAY_MS = 60_000;

/** The artifacts of a run that may hold the report of a job: those that came into being while it ran, newest first. */
export function reportsAmong(artifacts: readonly unknown[], { startedAt, endedAt }: Job): number[] {
  if (startedAt === undefined || endedAt === undefined) return [];
  const [from, to] = [Date.parse(startedAt) - LEEWAY_MS, Date.parse(endedAt) + LEEWAY_MS];
  return artifacts
    .flatMap((each) => artifact.safeParse(each).data ?? [])
    .map((each) => ({ ...each, at: Date.parse(timeOf(each.created_at) ?? '') }))
    .filter(({ name, size_in_bytes: size, expired, at }) => {
      return NAMED.test(name) && size <= MAX_ARTIFACT_BYTES && expired !== true && at >= from && at <= to;
    })
    .sort((a, b) => b.at - a.at || b.id - a.id)
    .slice(0, MAX_ARTIFACTS)
    .map(({ id }) => id);
}
