import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { useWorld } from './world.js';

/** All that somebody does who has kubectl and nothing of ours: the same words on either server. */
const world = await useWorld(t);
const { folder } = world.cluster;
await world.kubectl('create', 'namespace', 'shop');

/** In the namespace, with what it said on standard output. */
const say = (line: string, ...more: readonly string[]) => world.kubectl('-n', 'shop', ...line.split(' '), ...more);
const tried = (line: string, ...more: readonly string[]) => world.cluster.kubectl('-n', 'shop', ...line.split(' '), ...more);
const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'shop', labels: { a: 'b' } } };
const machine = {
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'VirtualMachine',
  metadata: { name: 'web', namespace: 'shop', labels: { a: 'b' } },
  spec: { memory: { size: '64Mi' } },
};
async function file(name: string, content: object): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(content));
  return path;
}
const first = await file('first.json', { ...settings, data: { k: 'v', l: 'm' } });
const second = await file('second.json', { ...settings, data: { k: 'w' } });
const web = await file('web.json', machine);
const data = () => say('get cm settings -o', 'jsonpath={.data}');

await t.test('what is applied is merged, told beforehand, and told apart', async (t) => {
  t.equal(await say('apply -f', first), 'configmap/settings created\n');
  t.equal(await say('apply -f', first), 'configmap/settings unchanged\n');
  const diff = await tried('diff -f', second);
  t.equal(diff.code, 1);
  t.match(diff.stdout, /\n- {2}k: v\n- {2}l: m\n\+ {2}k: w\n/);
  t.equal(await say('apply --dry-run=server -f', second), 'configmap/settings configured (server dry run)\n');
  t.equal(await data(), '{"k":"v","l":"m"}');
  t.equal(await say('apply -f', second), 'configmap/settings configured\n');
  t.equal(await data(), '{"k":"w"}');
  t.match(await say('apply view-last-applied cm settings'), /k: w\n/);
});

await t.test('who goes over to server-side apply meets no conflict with what he applied before', async (t) => {
  t.match((await tried('diff --server-side -f', first)).stdout, /\n- {2}k: w\n\+ {2}k: v\n\+ {2}l: m\n/);
  t.equal(await say('apply --server-side -f', first), 'configmap/settings serverside-applied\n');
  t.equal(await data(), '{"k":"v","l":"m"}');
  t.match(await say('apply view-last-applied cm settings'), /k: v\n {2}l: m\n/);
  const managers = (await say('get cm settings -o', 'jsonpath={.metadata.managedFields[*].manager}')).split(' ');
  t.notOk(managers.includes('kubectl-client-side-apply'), managers.join());
  const other = await tried('apply --server-side --field-manager=other -f', second);
  t.match(other.stderr, /conflict with "kubectl": \.data\.k/);
  await say('apply --server-side --field-manager=other --force-conflicts -f', second);
  t.equal(await data(), '{"k":"w","l":"m"}', 'what kubectl has besides stays');
  const third = await file('third.json', { ...settings, data: { k: 'x' } });
  t.match((await tried('apply --server-side -f', third)).stderr, /conflict with "other": \.data\.k/);
  await say('apply --server-side --force-conflicts -f', third);
  t.equal(await data(), '{"k":"x"}');
  await say('apply -f', second);
  t.equal(await data(), '{"k":"w"}', 'and back to its own apply');
});

await t.test('it is shown in every way', async (t) => {
  t.equal(await say('apply --server-side -f', web), 'virtualmachine.virtwright.io/web serverside-applied\n');
  const one = 'virtualmachine.virtwright.io/web\n';
  for (const line of ['get vm', 'get vm -A', 'get vm -l a=b', 'get vm -l a!=c,a', 'get vm --field-selector metadata.name=web'])
    t.equal(await say(`${line} -o name`), one, line);
  t.equal(await say('get vm -l a=c -o name'), '');
  t.match(await say('get vm -o wide'), /^NAME .*MEMORY.*\nweb .*64Mi/);
  t.match(await say('get vm -A'), /^NAMESPACE +NAME .*\nshop +web /);
  t.match(await say('get vm web -o yaml'), /\n {2}memory:\n {4}size: 64Mi\n/);
  t.equal(await say('get vm web -o', 'custom-columns=N:.metadata.name,M:.spec.memory.size'), 'N     M\nweb   64Mi\n');
  t.match(await say('get vm web -L a --show-labels'), /LABELS\nweb .* b +a=b\n$/);
  t.equal(await say('get virtwright -o name'), one);
  t.match(await say('get vm/web cm/settings -o name'), /web\nconfigmap\/settings\n/);
  t.equal(await say('get vm none --ignore-not-found'), '');
  t.match((await tried('get vm none')).stderr, /^Error from server \(NotFound\): virtualmachines\.virtwright\.io "none" not found/);
  t.match(await say('describe vm web'), /^Name: +web\nNamespace: +shop\n[\s\S]*Memory:\n +Size: +64Mi\n/);
  t.match(await say('describe cm settings'), /\nk:\n----\nw\n/);
  t.match(
    await say('get vm -w --request-timeout=2s -o name').catch(({ message }: Error) => message),
    /virtualmachine\.virtwright\.io\/web/,
  );
});

await t.test('its kinds are explained and listed', async (t) => {
  t.match(
    await say('explain vm.spec.memory'),
    /GROUP: +virtwright\.io\nKIND: +VirtualMachine\nVERSION: +v1alpha1\n\nFIELD: memory <Object>/,
  );
  t.match(await say('explain vm --recursive'), / {2}spec\t<Object>.*\n[\s\S]* {4}memory\t<Object>/);
  t.match(await say('explain configmap.data'), /FIELD: data <map\[string\]string>/);
  t.match(
    await say('api-resources --api-group=virtwright.io'),
    /virtualmachines +vm,vwm +virtwright\.io\/v1alpha1 +true +VirtualMachine\n/,
  );
  t.match(await say('api-resources --api-group=events.k8s.io'), /events +ev /);
  t.match(await say('api-versions'), /^virtwright\.io\/v1alpha1$/m);
  t.match(await say('version'), /Server Version: v1\.36\./);
  t.match(JSON.parse(await say('get --raw /apis/virtwright.io/v1alpha1/namespaces/shop/virtualmachines/web')), machine);
  t.equal(await say('get --raw /readyz'), 'ok');
});

await t.test('it is changed by hand', async (t) => {
  const editor = join(folder, 'editor');
  await writeFile(editor, '#!/bin/sh\nsed -i s/64Mi/65Mi/ "$1"\n');
  await chmod(editor, 0o700);
  const size = () => say('get vm web -o', 'jsonpath={.spec.memory.size}');
  process.env['EDITOR'] = editor;
  t.equal(await say('edit vm web'), 'virtualmachine.virtwright.io/web edited\n');
  t.equal(await size(), '65Mi');
  await say('patch vm web --type=merge -p', '{"spec":{"memory":{"size":"66Mi"}}}');
  t.equal(await size(), '66Mi');
  const replace = (value: string) => JSON.stringify([{ op: 'replace', path: '/spec/memory/size', value }]);
  await say('patch vm web --type=json -p', replace('67Mi'));
  t.equal(await size(), '67Mi');
  t.match((await tried('patch vm web --type=json -p', replace('much'))).stderr, /spec\.memory\.size: Invalid value/);
  t.match((await tried('patch vm web -p', '{}')).stderr, /strategic-merge-patch\+json is not supported/);
  await say('patch cm settings -p', '{"data":{"m":"n","k":null}}');
  t.equal(await data(), '{"m":"n"}');
  await say('patch cm settings -p', '{"data":{"o":"p","$retainKeys":["o"]}}');
  t.equal(await data(), '{"o":"p"}');
  t.equal(await say('label vm web c=d'), 'virtualmachine.virtwright.io/web labeled\n');
  t.match((await tried('label vm web c=e')).stderr, /already has a value/);
  t.equal(await say('label vm web c-'), 'virtualmachine.virtwright.io/web unlabeled\n');
  t.equal(await say('annotate vm --all c=d'), 'virtualmachine.virtwright.io/web annotated\n');
  t.match((await tried('scale vm web --replicas=2')).stderr, /NotFound/);
  t.equal(await say('replace -f', web), 'virtualmachine.virtwright.io/web replaced\n');
  t.equal(await size(), '64Mi');
});

await t.test('it is waited for, and goes', async (t) => {
  const ready = { type: 'Ready', status: 'True', reason: 'Fine', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  // Of what somebody said before the last change kubectl takes no notice.
  const observedGeneration = Number(await say('get vm web -o jsonpath={.metadata.generation}'));
  await say('patch vm web --subresource=status --type=merge -p', JSON.stringify({ status: { observedGeneration, conditions: [ready] } }));
  const met = 'virtualmachine.virtwright.io/web condition met\n';
  t.equal(await say('wait vm/web --for=condition=Ready --timeout=30s'), met);
  t.equal(await say('wait vm/web --timeout=30s', '--for=jsonpath={.spec.memory.size}=64Mi'), met);
  t.match((await tried('wait vm/web --for=condition=Stalled --timeout=1s')).stderr, /timed out waiting for the condition/);
  const gone = say('wait vm/web --for=delete --timeout=30s');
  t.match(await say('delete vm web --wait --cascade=background'), /"web" deleted/);
  // Who asks when it has gone already is told so, or nothing.
  t.ok(
    ['', met].includes(await gone.catch(({ message }: Error) => (/not found/.test(message) ? met : message))),
    'both say that it is gone',
  );
  await say('apply -f', web);
  t.match(await say('delete vm -l a=b'), /"web" deleted/);
  t.match(await say('replace --force -f', first), /configmap\/settings replaced/);
  t.match(await say('delete -f', first), /"settings" deleted/);
  t.equal(await say('delete cm settings --ignore-not-found'), '');
});

await t.test('what a tenant needs is made, and what he may do is told', async (t) => {
  t.equal(await say('create secret generic root --from-literal=password=hush'), 'secret/root created\n');
  t.equal(await say('create serviceaccount robot'), 'serviceaccount/robot created\n');
  await say('create role viewer --verb=get,list --resource=virtualmachines.virtwright.io');
  await say('create rolebinding viewers --role=viewer --user=ann');
  const may = async (line: string) => (await tried(`auth can-i ${line} --as=ann`)).stdout.trim();
  for (let tries = 0; tries < 100 && (await may('get vm')) !== 'yes'; tries++);
  t.same([await may('get vm'), await may('delete vm'), await may('get secrets')], ['yes', 'no', 'no']);
  t.match(await say('auth whoami'), /Username +admin\n/);
  t.match(await say('describe secret root'), /password: +4 bytes/);
  t.match(await say('describe role viewer'), /virtualmachines\.virtwright\.io +\[\] +\[\] +\[get list\]/);
  t.match(await say('get role viewer'), /^NAME +CREATED AT\nviewer +20/);
  t.match(await say('describe rolebinding viewers'), /Kind: +Role\n +Name: +viewer\n/);
  const event = { metadata: { name: 'it', namespace: 'shop' }, type: 'Normal', reason: 'Seen', message: 'it was seen' };
  const about = { kind: 'ConfigMap', namespace: 'shop', name: 'settings', apiVersion: 'v1' };
  await say('create -f', await file('event.json', { apiVersion: 'v1', kind: 'Event', ...event, involvedObject: about }));
  t.match(await say('events --for configmap/settings'), /Seen +ConfigMap\/settings +it was seen/);
  t.match(await say('get events'), /Seen .*it was seen/);
});
