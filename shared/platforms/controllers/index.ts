import type { ActionTraits } from '../action.ts';
import { LogUnavailable, type Platform, type PlatformClient, type ReadParameters } from '../port.ts';

/** What acts beside the platforms: on machines and services of the master's own, whichever platform the trouble is at. */
export interface Controller {
  readonly actions: Readonly<Record<string, ActionTraits>>;
  open(read: ReadParameters): Promise<Pick<PlatformClient, 'act' | 'lookUp' | 'probe'>>;
}

/** Platforms whose clients can do what the controllers can as well; without a token for the platform itself, only that. */
export const withControllers = (
  platforms: Readonly<Record<string, Platform>>,
  controllers: readonly Controller[],
): Readonly<Record<string, Platform>> =>
  Object.fromEntries(Object.entries(platforms).map(([name, one]) => [name, controlled(one, controllers)]));

function controlled(platform: Platform, controllers: readonly Controller[]): Platform {
  return {
    ...platform,
    async client(read) {
      const own = (await platform.client(read)) ?? clientless(platform);
      const carrier = (action: string) => controllers.find(({ actions }) => Object.hasOwn(actions, action))?.open(read);
      return {
        ...own,
        act: async (of) => ((await carrier(of.action)) ?? own).act(of),
        lookUp: async (of) => ((await carrier(of.action)) ?? own).lookUp(of),
        probe: async (of) => ((await carrier(of.action)) ?? own).probe?.(of),
      };
    },
  };
}

function clientless({ title }: Platform): PlatformClient {
  const reason = `no token for ${title} is configured`;
  return {
    jobLog: () => Promise.reject(new LogUnavailable(reason)),
    act: async () => ({ kind: 'refused', reason }),
    lookUp: async () => 'unclear',
  };
}
