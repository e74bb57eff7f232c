export interface TokenAccess {
  /** `read` sees and may not act, `write` may rerun; default write. */
  access: 'read' | 'write';
  /** Repositories it reaches; default all. */
  repositories?: readonly string[];
  /** Who acts when it is used. */
  user: string;
}

export interface Tokens {
  allow(token: string, access?: Partial<TokenAccess>): void;
  revoke(token: string): void;
}

export class TokenStore implements Tokens {
  readonly #known = new Map<string, TokenAccess>();
  readonly #revoked = new Set<string>();

  allow(token: string, access: Partial<TokenAccess> = {}): void {
    this.#revoked.delete(token);
    this.#known.set(token, { access: 'write', user: 'qmoi-bot', ...access });
  }

  revoke(token: string): void {
    this.#known.delete(token);
    this.#revoked.add(token);
  }

  find(token: string): TokenAccess | undefined {
    return this.#known.get(token);
  }

  wasRevoked(token: string): boolean {
    return this.#revoked.has(token);
  }
}

export function reaches(access: TokenAccess, repository: string): boolean {
  return access.repositories === undefined || access.repositories.includes(repository);
}
