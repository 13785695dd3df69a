import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { skipWhereMissing } from '#test/peers/build.js';
import { promtool } from '#test/peers/promtool.js';
import { alerts, alertsFile, dashboardQueries, runbooks } from './shipped.js';
import { hosts, seriesOf, volumes } from './situations.js';

await promtool(['--version']).catch((reason) => skipWhereMissing(t, reason));
const folder = mkdtempSync(join(tmpdir(), 'vw-alerts-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** As JSON, which is YAML too. */
function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

t.test('Prometheus takes the alerts, and the queries of the dashboard', async (t) => {
  t.equal(await promtool(['check', 'rules', fileURLToPath(alertsFile)]), '');
  const rules = dashboardQueries().map(({ expr }, index) => ({ record: `query${index}`, expr }));
  t.ok(rules.length > 40);
  t.equal(await promtool(['check', 'rules', file('queries.yaml', { groups: [{ name: 'dashboard', rules }] })]), '');
  const broken = file('broken.yaml', { groups: [{ name: 'dashboard', rules: [{ record: 'query', expr: 'sum(' }] }] });
  t.match(await promtool(['check', 'rules', broken]), /parse error/);
});

t.test('each alert has its page, which says what it means and what to do; and no page is without an alert', (t) => {
  const pages = readdirSync(runbooks).filter((name) => name !== 'README.md');
  t.same(
    pages.sort(),
    alerts()
      .map(({ alert }) => `${alert}.md`)
      .sort(),
  );
  const contents = readFileSync(new URL('README.md', runbooks), 'utf8');
  for (const { alert, labels, annotations } of alerts()) {
    t.equal(annotations.runbook_url, `docs/runbooks/${alert}.md`);
    t.match(labels['severity'], /^(critical|warning|info)$/);
    const text = readFileSync(new URL(`${alert}.md`, runbooks), 'utf8');
    t.ok(text.startsWith(`# ${alert}\n`), alert);
    for (const heading of ['## What it means', '## What to look at', '## What to do'])
      t.ok(text.includes(`\n${heading}\n`), `${alert}: ${heading}`);
    t.ok(contents.includes(`[${alert}](${alert}.md)`), `${alert} is in the list`);
  }
  t.end();
});

interface Case {
  /** Series, and their values a minute. */
  readonly input: Readonly<Record<string, string>>;
  readonly at: string;
  readonly fires: number;
}

/** What a controller tells all the time of a host that stands so, or of such a volume. */
async function lasting(...of: Parameters<typeof seriesOf>): Promise<Case['input']> {
  return Object.fromEntries(Object.entries(await seriesOf(...of)).map(([series, value]) => [series, `${value}x120`]));
}
const standing = (at: string, fires: Readonly<Record<keyof typeof hosts, number>>): Promise<readonly Case[]> =>
  Promise.all(Object.entries(fires).map(async ([how, fires]) => ({ input: await lasting(hosts[how as keyof typeof hosts]), at, fires })));
const filling = async (how: keyof typeof volumes, at: string, fires: number): Promise<Case> => ({
  input: await lasting(undefined, [volumes[how]]),
  at,
  fires,
});
const leader = (instance: string) => `virtwright_leader_election_master_status{name="virtwright-controller",instance="${instance}"}`;
const pool = (what: string, name: string) => `virtwright_storage_pool_${what}_bytes{pool="${name}",hypervisor="kvm1"}`;
const requests = (code: string, verb = 'apply') =>
  `virtwright_rest_client_requests_total{verb="${verb}",resource="virtualmachines",code="${code}"}`;
const vm = (name: string, labels = '') => `{namespace="shop",name="${name}",hypervisor="kvm1"${labels}}`;

/** Time begins at 0: what happened then happened as long ago as it is now. */
const cases: Readonly<Record<string, readonly Case[]>> = {
  VirtwrightNoLeader: [
    { input: { [leader('a')]: '0x10', [leader('b')]: '0x10' }, at: '5m', fires: 1 },
    { input: {}, at: '5m', fires: 1 },
    { input: { [leader('a')]: '1x10', [leader('b')]: '0x10' }, at: '5m', fires: 0 },
    { input: { [leader('a')]: '1 1 0 0 0 0', [leader('b')]: '0 0 0 1 1 1' }, at: '5m', fires: 0 },
  ],
  VirtwrightHostSilent: [
    ...(await standing('10m', { well: 0, silent: 1, lost: 1, connecting: 1, denied: 0, fenced: 1, wronglyVouched: 1, stoodBack: 1 })),
    ...(await standing('4m', { well: 0, silent: 0, lost: 0, connecting: 0, denied: 0, fenced: 0, wronglyVouched: 0, stoodBack: 0 })),
  ],
  VirtwrightHostNotReady: await standing('20m', {
    well: 0,
    silent: 0,
    lost: 0,
    connecting: 0,
    denied: 1,
    fenced: 0,
    wronglyVouched: 0,
    stoodBack: 0,
  }),
  VirtwrightAgentNotConnected: [
    { input: { 'virtwright_hypervisor_connected{hypervisor="kvm1",instance="a"}': '0x40' }, at: '20m', fires: 1 },
    {
      input: {
        'virtwright_hypervisor_connected{hypervisor="kvm1",instance="a"}': '0x40',
        'virtwright_hypervisor_connected{hypervisor="kvm1",instance="waits"}': '1x40',
      },
      at: '20m',
      fires: 0,
    },
  ],
  VirtwrightHostNotMeasured: [
    {
      input: { 'virtwright_host_scrape_success{hypervisor="kvm1"}': '0x40', 'virtwright_hypervisor_connected{hypervisor="kvm1"}': '1x40' },
      at: '20m',
      fires: 1,
    },
    {
      input: { 'virtwright_host_scrape_success{hypervisor="kvm1"}': '0x40', 'virtwright_hypervisor_connected{hypervisor="kvm1"}': '0x40' },
      at: '20m',
      fires: 0,
    },
  ],
  VirtwrightMachineNotReady: [
    {
      input: {
        [`virtwright_vm_non_ready_status_last_transition_timestamp_seconds${vm('web', ',reason="Starting"')}`]: '0x9 _x20',
        [`virtwright_vm_non_ready_status_last_transition_timestamp_seconds${vm('web', ',reason="Stopping"')}`]: '_x9 0x20',
        [`virtwright_vm_non_ready_status_last_transition_timestamp_seconds${vm('new', ',reason="Starting"')}`]: '600x30',
      },
      at: '20m',
      fires: 1,
    },
  ],
  VirtwrightGuestAgentNotConnected: [
    {
      input: { [`virtwright_vm_guest_agent_connected${vm('web')}`]: '0x60', [`virtwright_vm_guest_agent_connected${vm('db')}`]: '1x60' },
      at: '40m',
      fires: 1,
    },
  ],
  VirtwrightVolumeStuckFilling: [
    await filling('long', '50m', 0),
    await filling('long', '70m', 1),
    await filling('refused', '70m', 1),
    await filling('late', '70m', 0),
    await filling('late', '115m', 1),
    await filling('awaited', '115m', 0),
  ],
  VirtwrightPoolNearlyFull: [
    {
      input: {
        [pool('available', 'full')]: '9x30',
        [pool('capacity', 'full')]: '100x30',
        [pool('available', 'roomy')]: '20x30',
        [pool('capacity', 'roomy')]: '100x30',
      },
      at: '20m',
      fires: 1,
    },
  ],
  VirtwrightReconcileErrors: [
    {
      input: {
        'virtwright_reconcile_errors_total{controller="virtualmachines"}': '0+2x60',
        'virtwright_reconcile_total{controller="virtualmachines",result="success"}': '0+8x60',
        'virtwright_reconcile_total{controller="virtualmachines",result="error"}': '0+2x60',
        'virtwright_reconcile_errors_total{controller="sessions"}': '0x60',
        'virtwright_reconcile_total{controller="sessions",result="success"}': '0+8x60',
      },
      at: '40m',
      fires: 1,
    },
  ],
  VirtwrightQueueGrows: [
    {
      input: {
        'virtwright_workqueue_queue_duration_seconds_bucket{name="slow",le="10"}': '0x60',
        'virtwright_workqueue_queue_duration_seconds_bucket{name="slow",le="60"}': '0+10x60',
        'virtwright_workqueue_queue_duration_seconds_bucket{name="slow",le="+Inf"}': '0+10x60',
        'virtwright_workqueue_queue_duration_seconds_bucket{name="quick",le="10"}': '0+10x60',
        'virtwright_workqueue_queue_duration_seconds_bucket{name="quick",le="+Inf"}': '0+10x60',
      },
      at: '40m',
      fires: 1,
    },
  ],
  VirtwrightApiConflicts: [
    { input: { [requests('200')]: '0+6x60', [requests('409')]: '0+4x60' }, at: '40m', fires: 1 },
    { input: { [requests('200')]: '0+95x60', [requests('409')]: '0+5x60', [requests('409', 'get')]: '0+99x60' }, at: '40m', fires: 0 },
  ],
  VirtwrightDriftKeepsComing: [
    {
      input: {
        'virtwright_drift_corrections_total{kind="VirtualMachine",action="define"}': '0+1x120',
        'virtwright_drift_corrections_total{kind="VirtualMachine",action="start"}': '0+1x120',
      },
      at: '90m',
      fires: 1,
    },
  ],
  VirtwrightStrays: [
    {
      input: { 'virtwright_hypervisor_strays{hypervisor="kvm1"}': '2x90', 'virtwright_hypervisor_strays{hypervisor="kvm2"}': '0x90' },
      at: '70m',
      fires: 1,
    },
  ],
  VirtwrightCredentialExpires: [
    {
      input: {
        'virtwright_credential_expiration_timestamp_seconds{purpose="client",instance="a"}': '600000x10',
        'virtwright_credential_expiration_timestamp_seconds{purpose="sessions",instance="a"}': '700000x10',
      },
      at: '5m',
      fires: 1,
    },
  ],
};

t.test('each alert fires when it must, and is silent when it must be', async (t) => {
  t.same(
    Object.keys(cases).sort(),
    alerts()
      .map(({ alert }) => alert)
      .sort(),
  );
  const tests = Object.entries(cases).flatMap(([alert, all]) =>
    all.map(({ input, at, fires }, index) => ({
      name: `${alert} ${index}`,
      interval: '1m',
      input_series: Object.entries(input).map(([series, values]) => ({ series, values })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
          eval_time: at,
          exp_samples: [{ labels: '{}', value: fires }],
        },
      ],
    })),
  );
  const suite = (more: readonly object[]) =>
    file('tests.yaml', { rule_files: [fileURLToPath(alertsFile)], evaluation_interval: '1m', tests: more });
  t.equal(await promtool(['test', 'rules', suite(tests)]), '');
  const [first] = tests;
  const wrong = {
    ...first,
    promql_expr_test: first?.promql_expr_test.map((one) => ({ ...one, exp_samples: [{ labels: '{}', value: 7 }] })),
  };
  t.match(await promtool(['test', 'rules', suite([wrong])]), /FAILED/);
});

t.test('what an alert says names whom it is about', async (t) => {
  const series = `virtwright_vm_non_ready_status_last_transition_timestamp_seconds${vm('web', ',reason="Starting"')}`;
  const told = alerts().find(({ alert }) => alert === 'VirtwrightMachineNotReady');
  const suite = file('said.yaml', {
    rule_files: [fileURLToPath(alertsFile)],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: [{ series, values: '0x60' }],
        alert_rule_test: [
          {
            eval_time: '20m',
            alertname: 'VirtwrightMachineNotReady',
            exp_alerts: [
              {
                exp_labels: { severity: 'warning', namespace: 'shop', name: 'web', hypervisor: 'kvm1' },
                exp_annotations: { ...told?.annotations, summary: 'Machine shop/web has not been ready for 20m 0s.' },
              },
            ],
          },
        ],
      },
    ],
  });
  t.equal(await promtool(['test', 'rules', suite]), '');
});
