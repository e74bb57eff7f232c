import { expect, it } from 'vitest';
import { type Platform, platforms } from '../../shared/platforms/index.ts';
import { FAKES, FORGES, openTakenForge } from '../support/contract/fakes.ts';
import { describePlatform } from '../support/contract/platform.ts';
import { describeRetries } from '../support/contract/retries.ts';

it('every platform is held to the contract', () => {
  expect(Object.keys(platforms).sort()).toEqual(Object.keys(FAKES).sort());
  for (const [name, platform] of Object.entries(platforms)) expect(platform.name).toBe(name);
});

for (const [name, fakes] of Object.entries(FAKES)) {
  fakes.forEach((open, index) => {
    describePlatform(`${name} (${index})`, platforms[name] as Platform, open);
  });
}

for (const [name, options] of Object.entries(FORGES)) {
  options.forEach((each, index) => {
    describeRetries(`${name} (${index})`, platforms[name] as Platform, () => openTakenForge(each));
  });
}
