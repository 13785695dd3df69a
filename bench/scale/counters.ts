/** Series of one counter in Prometheus' text format, by the values of some of its labels: `storagevolumes patch` to a number. */
export type Counts = Readonly<Record<string, number>>;

const line = /^([\w:]+)\{(.*)\} (\S+)/;

/** Sums a counter's series, where `choose` gives them a name. */
export function countsOf(text: string, counter: string, choose: (labels: Readonly<Record<string, string>>) => string | undefined): Counts {
  const counts: Record<string, number> = {};
  for (const row of text.split('\n')) {
    if (!row.startsWith(`${counter}{`)) continue;
    const [, , labels = '', value = '0'] = line.exec(row) ?? [];
    const name = choose(Object.fromEntries(Array.from(labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g), ([, label, text]) => [label, text])));
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + Number(value);
  }
  return counts;
}

export const add = (all: readonly Counts[]): Counts => combine(all, (a, b) => a + b);
export const since = (before: Counts, now: Counts): Counts => {
  const difference = combine([now, Object.fromEntries(Object.entries(before).map(([name, value]) => [name, -value]))], (a, b) => a + b);
  return Object.fromEntries(Object.entries(difference).filter(([, value]) => value !== 0));
};

function combine(all: readonly Counts[], of: (a: number, b: number) => number): Counts {
  const sum: Record<string, number> = {};
  for (const counts of all) for (const [name, value] of Object.entries(counts)) sum[name] = of(sum[name] ?? 0, value);
  return sum;
}

export const sum = (counts: Counts, of: (name: string) => boolean = () => true): number =>
  Object.entries(counts).reduce((total, [name, value]) => (of(name) ? total + value : total), 0);

/** What we asked of the API server that may have changed something, as `virtualmachines apply`. */
export const writesOf = (metrics: string): Counts =>
  countsOf(metrics, 'virtwright_rest_client_requests_total', ({ verb = '', resource, code }) =>
    ['create', 'patch', 'apply', 'delete'].includes(verb) && code === '200' ? `${resource} ${verb}` : undefined,
  );

export const readsOf = (metrics: string): Counts =>
  countsOf(metrics, 'virtwright_rest_client_requests_total', ({ verb = '', resource }) =>
    ['get', 'list', 'watch'].includes(verb) ? `${resource} ${verb}` : undefined,
  );

/** Of all clients, the server itself among them, as it counts them: `virtualmachines`, `virtualmachines/status`. */
export const servedWrites = (metrics: string): Counts =>
  countsOf(metrics, 'apiserver_request_total', ({ verb = '', resource, subresource, code = '' }) =>
    /^(POST|PUT|PATCH|APPLY|DELETE)$/.test(verb) && code.startsWith('2') ? [resource, subresource].filter(Boolean).join('/') : undefined,
  );

/** Seconds that the server itself took over those. */
export const servedSeconds = (metrics: string): Counts =>
  countsOf(metrics, 'apiserver_request_duration_seconds_sum', ({ verb = '', resource, subresource }) =>
    /^(POST|PUT|PATCH|APPLY|DELETE)$/.test(verb) ? [resource, subresource].filter(Boolean).join('/') : undefined,
  );

/** Passes done so far, and keys that wait for one. */
export const passesOf = (metrics: string): number =>
  sum(countsOf(metrics, 'virtwright_workqueue_work_duration_seconds_count', () => 'passes'));
export const waitingIn = (metrics: string): number => sum(countsOf(metrics, 'virtwright_workqueue_depth', () => 'keys'));

/** For people. */
export const counted = (counts: Counts): string =>
  sum(counts) === 0
    ? 'none'
    : Object.entries(counts)
        .map(([what, count]) => `${count} ${what}`)
        .join(', ');
