import type { Throttle } from '../model/index.ts';

/** A token bucket in real time, whatever the host's clock says: it guards the machine. */
export function createThrottle({ rate, burst }: Throttle): () => boolean {
  let tokens = burst;
  let at = performance.now();
  return () => {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - at) / 1000) * rate);
    at = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
