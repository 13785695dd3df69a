const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EADDRNOTAVAIL: 'is not an address of this machine',
  EACCES: 'may not be listened on by this user',
};

/** Whether something failed because an address could not be listened on. */
export const isListenError = (reason: unknown): reason is NodeJS.ErrnoException =>
  reason instanceof Error && 'syscall' in reason && reason.syscall === 'listen';

/** For who gave the address with that flag. `where`: `host:port`. */
export const cannotListen = (flag: string, where: string, { code = '', message }: NodeJS.ErrnoException): string =>
  `${flag}: ${where} ${Object.hasOwn(reasons, code) ? `${reasons[code]} (${code})` : `cannot be listened on (${message})`}; give another`;
