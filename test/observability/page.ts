import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { createMetrics } from '#controllers/metrics.js';
import { describeProgram } from '#controllers/program-metrics.js';
import { page } from './shipped.js';

const begin = '<!-- made by test/observability/generate.ts -->\n';
const end = '<!-- end of what is made -->\n';

/** docs/observability.md with the table of all that is told, as the program registers it. */
export async function currentPage(): Promise<string> {
  const text = readFileSync(page, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  return `${before}${begin}${await table()}${rest.slice(rest.indexOf(end))}`;
}

/** Of our own; those of prom-client have names and meanings that Prometheus' users know. */
async function table(): Promise<string> {
  const registry = new Registry();
  createMetrics(registry);
  describeProgram(registry, '');
  const ours = registry.getMetricsAsArray().filter(({ name }) => name.startsWith('virtwright_'));
  const told = await registry.getMetricsAsJSON();
  const rows = ours.map((metric) => {
    const { help, type } = told.find(({ name }) => name === metric.name) ?? { help: '', type: '' };
    const labels = 'labelNames' in metric ? (metric.labelNames as readonly string[]) : [];
    return `| \`${metric.name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`;
  });
  return ['| name | type | labels | what it is |', '|---|---|---|---|', ...rows.sort(), ''].join('\n');
}
