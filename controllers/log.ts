/** One line of JSON each, so that a journal and a cluster's log collector read them alike. Never given anything secret. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, error?: unknown): void;
}

const quietMs = 30_000;

/** The same warning is written at most every half minute, with how often it came: a host that is down says so once, not a thousand times. */
export function createLog(out: { write(text: string): unknown }): Log {
  const last = new Map<string, { at: number; more: number }>();
  const write = (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>) =>
    out.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
  return {
    info: (message, fields = {}) => void write('info', message, fields),
    warn(message, error) {
      const detail = describe(error);
      const key = `${message}\n${detail}`;
      const known = last.get(key);
      const now = Date.now();
      if (known !== undefined && now - known.at < quietMs) {
        known.more += 1;
        return;
      }
      if (last.size > 1_000) last.clear();
      last.set(key, { at: now, more: 0 });
      write('warn', message, {
        ...(detail === '' ? {} : { error: detail }),
        ...(known === undefined || known.more === 0 ? {} : { repeated: known.more }),
      });
    },
  };
}

function describe(error: unknown): string {
  if (error === undefined) return '';
  if (!(error instanceof Error)) return String(error);
  const isBug = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return isBug ? (error.stack ?? error.message) : error.message;
}
