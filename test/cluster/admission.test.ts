import t from 'tap';
import { type KubectlArgs, useCluster } from '#test/cluster/api-server.js';
import { until } from '#test/cluster/until.js';
import { installWidgets } from '#test/cluster/widgets.js';

const cluster = await useCluster(t);
await installWidgets(cluster);

const group = 'admissionregistration.k8s.io/v1';
const rule = (operations: readonly string[], resources: readonly string[]) => ({
  apiGroups: ['test.virtwright.io'],
  apiVersions: ['v1'],
  operations,
  resources,
});
const policy = (name: string, spec: object) => ({ apiVersion: group, kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec });
const binding = (name: string, spec: object = {}) => ({
  apiVersion: group,
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name },
  spec: { policyName: name, validationActions: ['Deny'], ...spec },
});
const widget = (name: string, spec: object, namespace = 'default') => ({
  apiVersion: 'test.virtwright.io/v1',
  kind: 'Widget',
  metadata: { name, namespace },
  spec,
});
const sent = (...manifests: readonly object[]) => ({ input: manifests.map((one) => JSON.stringify(one)).join('\n---\n') });

async function kubectl(...args: KubectlArgs): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(...args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}
const apply = (...manifests: readonly object[]) => kubectl('apply', '-f', '-', sent(...manifests));
const creates = (manifest: object, ...more: readonly string[]) => cluster.kubectl('create', '-f', '-', ...more, sent(manifest));
/** A policy counts some time after it is made. */
const counts = (manifest: object) => until(async () => (await creates(manifest, '--dry-run=server')).code !== 0);

t.test('a policy denies what its expression says, in its words', async (t) => {
  const spec = {
    matchConstraints: { resourceRules: [rule(['CREATE', 'UPDATE'], ['widgets'])] },
    variables: [{ name: 'size', expression: 'has(object.spec.size) ? object.spec.size : 0' }],
    matchConditions: [{ name: 'owned', expression: 'has(object.spec.owner)' }],
    validations: [{ expression: 'variables.size <= 3', messageExpression: '"size " + string(variables.size) + " is above 3"' }],
  };
  await apply(policy('small', spec), binding('small'));
  await counts(widget('large', { owner: 'ann', size: 4 }));
  const { stderr } = await creates(widget('large', { owner: 'ann', size: 4 }));
  t.match(
    stderr,
    /The widgets "large" is invalid: : ValidatingAdmissionPolicy 'small' with binding 'small' denied request: size 4 is above 3/,
  );
  t.equal((await creates(widget('large', { size: 4 }))).code, 0, 'its condition does not hold');
  t.equal((await creates(widget('fit', { owner: 'ann', size: 3 }))).code, 0);
  const patch = JSON.stringify({ spec: { size: 5 } });
  t.match((await cluster.kubectl('patch', 'widget', 'fit', '--type=merge', '-p', patch)).stderr, 'size 5 is above 3');
  const applied = await cluster.kubectl('apply', '--server-side', '-f', '-', sent(widget('fresh', { owner: 'ann', size: 6 })));
  t.match(applied.stderr, 'size 6 is above 3');
  t.match((await cluster.kubectl('get', 'widget', 'fit', '-o', 'jsonpath={.spec.size}')).stdout, '3');
});

t.test('a policy sees who writes, and the status apart', async (t) => {
  const spec = {
    matchConstraints: { resourceRules: [rule(['UPDATE'], ['widgets/status'])] },
    validations: [
      {
        expression: "request.userInfo.username == 'agent-' + object.status.host",
        message: 'an agent writes of its own host alone',
        reason: 'Forbidden',
      },
    ],
  };
  await apply(policy('own-host', spec), binding('own-host'), widget('machine', {}));
  await kubectl('create', 'clusterrole', 'agent', '--verb=patch,get', '--resource=widgets,widgets/status');
  for (const user of ['agent-a', 'agent-b']) await kubectl('create', 'clusterrolebinding', user, '--clusterrole=agent', `--user=${user}`);
  const write = (user: string, host: string) =>
    cluster.kubectl(
      'patch',
      'widget',
      'machine',
      '--subresource=status',
      '--type=merge',
      `--as=${user}`,
      '-p',
      JSON.stringify({ status: { host } }),
    );
  await until(async () => (await write('agent-b', 'a')).code !== 0);
  t.match((await write('agent-b', 'a')).stderr, /an agent writes of its own host alone/);
  t.equal((await write('agent-a', 'a')).code, 0);
  t.not((await write('agent-b', 'a')).code, 0, 'nor what changes nothing');
  t.match((await write('nobody', 'a')).stderr, /User "nobody" cannot get resource "widgets\/status"/);
});

t.test('what goes is asked about as well, where its namespace is meant', async (t) => {
  const spec = {
    matchConstraints: { resourceRules: [rule(['DELETE'], ['widgets'])] },
    validations: [{ expression: "!(oldObject.metadata.name.startsWith('kept')) || namespaceObject.metadata.labels['keeps'] != 'yes'" }],
  };
  await kubectl('create', 'namespace', 'keeping');
  await kubectl('label', 'namespace', 'keeping', 'keeps=yes');
  await apply(widget('kept', {}, 'keeping'), widget('kept', {}));
  await apply(policy('kept', spec), binding('kept', { matchResources: { namespaceSelector: { matchLabels: { keeps: 'yes' } } } }));
  await until(async () => (await cluster.kubectl('delete', 'widget', 'kept', '-n', 'keeping', '--dry-run=server')).code !== 0);
  t.match((await cluster.kubectl('delete', 'widget', 'kept', '-n', 'keeping')).stderr, /denied request: failed expression: /);
  t.equal((await cluster.kubectl('delete', 'widget', 'kept')).code, 0);
});

t.test('a policy sees what is but a dry run, of what goes as well', async (t) => {
  const spec = {
    matchConstraints: { resourceRules: [rule(['DELETE'], ['widgets'])], objectSelector: { matchLabels: { rehearsed: 'yes' } } },
    validations: [{ expression: 'has(request.dryRun) && request.dryRun', message: 'for rehearsals alone' }],
  };
  const { metadata, ...others } = widget('rehearsed', {});
  const rehearsed = { ...others, metadata: { ...metadata, labels: { rehearsed: 'yes' } } };
  await apply(rehearsed, policy('rehearsed', spec), binding('rehearsed'));
  const deletes = (...more: readonly string[]) => cluster.kubectl('delete', 'widget', 'rehearsed', ...more);
  // Nothing tells when a policy counts but what it refuses: here it goes, until then, and comes again.
  await until(async () => {
    const { code, stderr } = await deletes();
    if (code === 0) await apply(rehearsed);
    return stderr.includes('for rehearsals alone');
  });
  t.match(await deletes('--dry-run=server'), { code: 0, stdout: /"rehearsed" deleted .*\(server dry run\)/ });
});

t.test('a binding may warn and let it pass', async (t) => {
  const spec = {
    matchConstraints: { resourceRules: [rule(['CREATE'], ['widgets'])] },
    validations: [{ expression: "!object.metadata.name.startsWith('odd')", message: 'an odd name' }],
  };
  await apply(policy('odd', spec), binding('odd', { validationActions: ['Warn'] }));
  await until(async () => (await creates(widget('odd', {}), '--dry-run=server')).stderr !== '');
  const { code, stderr } = await creates(widget('odd', {}));
  t.equal(code, 0);
  t.match(stderr, /Warning: Validation failed for ValidatingAdmissionPolicy 'odd' with binding 'odd': an odd name/);
});

t.test('an expression that fails counts as the policy says', async (t) => {
  const spec = (failurePolicy: string) => ({
    failurePolicy,
    matchConstraints: { resourceRules: [rule(['CREATE'], ['widgets'])], objectSelector: { matchLabels: { tried: failurePolicy } } },
    validations: [{ expression: "object.metadata.annotations['none'] == ''" }],
  });
  const tried = (failurePolicy: string) => ({
    ...widget(`tried-${failurePolicy.toLowerCase()}`, {}),
    metadata: { name: `tried-${failurePolicy.toLowerCase()}`, namespace: 'default', labels: { tried: failurePolicy } },
  });
  await apply(policy('ignoring', spec('Ignore')), binding('ignoring'), policy('failing', spec('Fail')), binding('failing'));
  await counts(tried('Fail'));
  t.match((await creates(tried('Fail'))).stderr, /denied request: expression .* /);
  t.equal((await creates(tried('Ignore'))).code, 0);
});

t.test('what is no expression is refused with the policy', async (t) => {
  const constraints = { resourceRules: [rule(['CREATE'], ['widgets'])] };
  const wrong = (expression: string) => creates(policy('wrong', { matchConstraints: constraints, validations: [{ expression }] }));
  t.match((await wrong('object.spec. >')).stderr, /spec\.validations\[0\]\.expression.*compilation failed/s);
  t.match((await wrong('nothing.of.the.kind')).stderr, /spec\.validations\[0\]\.expression.*compilation failed/s);
});

t.test('nobody gives rights that they do not have', async (t) => {
  const as = (...args: KubectlArgs) => cluster.kubectl('--as=clerk', ...args);
  const keeper = ['--verb=create,update,patch,get', '--resource=roles,rolebindings', '-n', 'default'];
  await kubectl('create', 'role', 'keeper', ...keeper);
  await kubectl('create', 'rolebinding', 'clerk', '--role=keeper', '--user=clerk', '-n', 'default');
  await until(async () => (await as('auth', 'can-i', 'create', 'roles', '-n', 'default')).code === 0);
  t.match(
    (await as('create', 'role', 'more', '--verb=get', '--resource=secrets')).stderr,
    /attempting to grant RBAC permissions not currently held/,
  );
  t.equal((await as('create', 'role', 'same', '--verb=get', '--resource=roles')).code, 0);
  await kubectl('create', 'clusterrole', 'all-secrets', '--verb=*', '--resource=secrets');
  const bind = (name: string, role: string) => as('create', 'rolebinding', name, role, '--user=clerk');
  t.match((await bind('up', '--clusterrole=all-secrets')).stderr, /attempting to grant RBAC permissions not currently held/);
  t.equal((await bind('level', '--role=same')).code, 0);
  const change = { op: 'replace', path: '/roleRef/name', value: 'keeper' };
  const changed = await cluster.kubectl('patch', 'rolebinding', 'level', '--type=json', '-p', JSON.stringify([change]));
  t.match(changed.stderr, /cannot change roleRef/);
  await kubectl('create', 'role', 'binder', '--verb=bind', '--resource=roles', '--resource-name=keeper');
  t.not((await bind('early', '--clusterrole=all-secrets')).code, 0);
  t.match(
    await kubectl('auth', 'can-i', '--list', '--as=clerk'),
    /rolebindings\.rbac\.authorization\.k8s\.io +\[\] +\[\] +\[create update patch get\]/,
  );
  t.match(await kubectl('auth', 'whoami'), /system:masters/);
});
