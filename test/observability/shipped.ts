import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

// Seen from `dist/test/observability/`.
const top = new URL('../../../', import.meta.url);
export const alertsFile = new URL('charts/virtwright/files/alerts.yaml', top);
export const runbooks = new URL('docs/runbooks/', top);
export const page = new URL('docs/observability.md', top);

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

export function alerts(): readonly Alert[] {
  const { groups } = load(readFileSync(alertsFile, 'utf8')) as { readonly groups: readonly { readonly rules: readonly Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

export interface Query {
  readonly title: string;
  readonly expr: string;
}

/** As Grafana sends them, for all hosts and machines. */
export function dashboardQueries(): readonly Query[] {
  const text = readFileSync(new URL('charts/virtwright/files/dashboard.json', top), 'utf8');
  const { panels, templating } = JSON.parse(text) as {
    readonly panels: readonly Panel[];
    readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  };
  const asked = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
  const chosen = templating.list.flatMap(({ name, definition }) => {
    const [, expr] = /^label_values\((.*), \w+\)$/.exec(definition ?? '') ?? [];
    return expr === undefined ? [] : [{ title: `variable ${name}`, expr }];
  });
  const filled = (expr: string) => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(hypervisor|namespace|machine)\b/g, '.*');
  return [...asked, ...chosen].map(({ title, expr }) => ({ title, expr: filled(expr) }));
}

/** The families that a query names, without what histograms add. */
export function familiesOf(expr: string): readonly string[] {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  return [...new Set([...bare.matchAll(/\b(?:virtwright|process|nodejs)_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')))];
}
