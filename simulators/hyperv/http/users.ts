/** An account that may log in. */
export interface User {
  readonly name: string;
  readonly password: string;
  /** SHA-256 fingerprints of client certificates that are mapped to it. */
  readonly certificates?: readonly string[];
  /** May log in, and do nothing, as one without the groups that it takes. */
  readonly powerless?: true;
}

export interface Ways {
  readonly basic: boolean;
  readonly negotiate: boolean;
  readonly certificate: boolean;
  /** Whether a message may come unsealed over plain HTTP. */
  readonly unencrypted: boolean;
  /** Whether NTLM over TLS has to say over which TLS (CbtHardeningLevel Strict). */
  readonly strictBinding: boolean;
}

/** As Windows has them when nobody has changed anything. */
export const windowsWays: Ways = { basic: false, negotiate: true, certificate: false, unencrypted: false, strictBinding: false };

export function userNamed(users: readonly User[], name: string): User | undefined {
  const plain = name.slice(name.lastIndexOf('\\') + 1).toLowerCase();
  return users.find((user) => user.name.toLowerCase() === plain);
}
