/** An account that may log in. */
export interface User {
  readonly name: string;
  readonly password: string;
  /** SHA-256 fingerprints of client certificates that are mapped to it. */
  readonly certificates?: readonly string[];
  /** Is refused as who does not know the password is: Windows does not tell which. */
  readonly locked?: true;
  /** May log in, and do nothing, as one without the groups that it takes. */
  readonly powerless?: true;
}

export interface Ways {
  readonly basic: boolean;
  readonly negotiate: boolean;
  /** Whether NTLM is taken by Negotiate; a policy may forbid it. */
  readonly ntlm: boolean;
  readonly certificate: boolean;
  /** Whether a message may come unsealed over plain HTTP. */
  readonly unencrypted: boolean;
  /** Whether NTLM over TLS has to say over which TLS (CbtHardeningLevel Strict). */
  readonly strictBinding: boolean;
}

/** What looks at tickets of Kerberos: a service of the domain. */
export interface Acceptor {
  /** Who a token of SPNEGO, in Base64, is from, `user@REALM`, and what is answered to it. Rejects when it is none for us. */
  accept(token: string): Promise<{ readonly principal: string; readonly answer: string }>;
}

/** As Windows has them when nobody has changed anything. */
export const windowsWays: Ways = {
  basic: false,
  negotiate: true,
  ntlm: true,
  certificate: false,
  unencrypted: false,
  strictBinding: false,
};

export function userNamed(users: readonly User[], name: string): User | undefined {
  const plain = name.slice(name.lastIndexOf('\\') + 1).toLowerCase();
  return users.find((user) => user.locked !== true && user.name.toLowerCase() === plain);
}
