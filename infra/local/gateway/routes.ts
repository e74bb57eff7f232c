import type { RouteDefinition } from '../model/index.ts';

export interface RouteMatch {
  readonly route: RouteDefinition;
  readonly pathParameters: Readonly<Record<string, string>> | undefined;
}

interface Compiled {
  readonly route: RouteDefinition;
  readonly method: string;
  readonly segments: readonly string[];
  readonly greedy: string | undefined;
}

/**
 * HTTP API route selection: full matches first, then greedy ones, then `$default`; among equals the more literal path
 * and the exact method win.
 */
export function compileRoutes(
  routes: readonly RouteDefinition[],
): (method: string, path: string) => RouteMatch | undefined {
  const fallback = routes.find(({ key }) => key === '$default');
  const compiled = routes
    .filter(({ key }) => key !== '$default')
    .map(compile)
    .sort((a, b) => rank(b) - rank(a));
  return (method, path) => {
    const parts = split(path);
    for (const candidate of compiled) {
      if (candidate.method !== 'ANY' && candidate.method !== method) continue;
      const pathParameters = match(candidate, parts);
      if (pathParameters) {
        return {
          route: candidate.route,
          pathParameters: Object.keys(pathParameters).length > 0 ? pathParameters : undefined,
        };
      }
    }
    return fallback && { route: fallback, pathParameters: undefined };
  };
}

function compile(route: RouteDefinition): Compiled {
  const [method = 'ANY', path = '/'] = route.key.split(' ');
  const segments = split(path);
  const last = segments.at(-1) ?? '';
  const greedy = last.endsWith('+}') ? last.slice(1, -2) : undefined;
  return { route, method, segments: greedy === undefined ? segments : segments.slice(0, -1), greedy };
}

function rank({ segments, greedy, method }: Compiled): number {
  const literal = segments.filter((segment) => !segment.startsWith('{')).length;
  return (greedy === undefined ? 1_000_000 : 0) + segments.length * 1_000 + literal * 10 + (method === 'ANY' ? 0 : 1);
}

function match({ segments, greedy }: Compiled, parts: readonly string[]): Record<string, string> | undefined {
  if (greedy === undefined ? parts.length !== segments.length : parts.length <= segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if (segment.startsWith('{')) {
      if (part === '') return undefined;
      parameters[segment.slice(1, -1)] = part;
    } else if (segment !== part) return undefined;
  }
  if (greedy !== undefined) {
    const rest = parts.slice(segments.length).join('/');
    if (rest === '') return undefined;
    parameters[greedy] = rest;
  }
  return parameters;
}

function split(path: string): string[] {
  return path.replace(/^\//, '').split('/');
}
