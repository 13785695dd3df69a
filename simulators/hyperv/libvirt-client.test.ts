import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseXml } from '#drivers/xml/parse.js';
import { attribute, childNS, elements, localName, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { Classes } from './cim/class.js';
import { Simulator } from './simulator.js';
import { classes as v2Classes } from './wmi/v2/classes.js';
import { ns } from './wsman/names.js';

interface Step {
  readonly request: string;
  /** The resource that its pulls name. */
  readonly pull?: string;
  readonly ids?: readonly (readonly [at: number, guid: string])[];
}

/** Of virsh. */
interface Command {
  readonly name: string;
  readonly steps: readonly Step[];
}

interface Recorded {
  readonly parts: Readonly<Record<string, string>>;
  readonly pull: string;
  readonly commands: readonly Command[];
}

const file = new URL('../../../test/golden/hyperv/libvirt-client.json', import.meta.url);
const recorded = JSON.parse(await readFile(file, 'utf8')) as Recorded;
const guid = /[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}/g;
const machine = `web's "db" %_[1]`;

const folder = await mkdtemp(join(tmpdir(), 'vw-virsh-'));
t.teardown(() => rm(folder, { recursive: true }));
await mkdir(join(folder, 'C/vms'), { recursive: true });
const simulator = await Simulator.start({
  mode: 'v2',
  folder,
  users: [{ name: 'Administrator', password: 'secret' }],
  ways: { basic: true, unencrypted: true },
  jobMs: 5,
});
t.teardown(() => simulator[Symbol.asyncDispose]());
await simulator.host.options.store.create('C:\\vms\\a.vhdx', { format: 'VHDX', type: 'Dynamic', sizeBytes: 2 ** 30 });
await simulator.host.options.store.touch('C:\\ISO\\boot.iso');

/** By lower case: what the recorded run called it, and what it is in this one. */
const ours = new Map<string, string>();

/** As the client would have written it in this run. */
function filled(text: string, more: Readonly<Record<string, string>> = {}): string {
  const parts = { ...recorded.parts, to: 'http://host/wsman', message: 'uuid:00000000-0000-0000-0000-000000000001', ...more };
  let whole = text;
  for (let round = 0; round < 2; round++)
    whole = whole.replace(/\{(\w+)\}/g, (all, name: string) => (name in parts ? String(parts[name as keyof typeof parts]) : all));
  return whole.replace(guid, (found) => {
    const known = ours.get(found.toLowerCase()) ?? found;
    return found === found.toLowerCase() ? known.toLowerCase() : known;
  });
}

/** All that was answered to the command that is at work. */
let said = '';

async function post(body: string): Promise<XmlElement> {
  const headers = { Authorization: `Basic ${btoa('Administrator:secret')}`, 'Content-Type': 'application/soap+xml;charset=UTF-8' };
  const response = await fetch(`http://127.0.0.1:${simulator.port}/wsman`, { method: 'POST', headers, body });
  const text = await response.text();
  said += text;
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  const found = childNS(parseXml(text, 'the reply'), ns.soap, 'Body');
  if (found === undefined) throw new Error('no body');
  return found;
}

const childrenOf = (of: XmlElement | undefined) => of?.children.filter((node) => node.kind === 'element') ?? [];
const guidsIn = (of: XmlElement): readonly string[] =>
  of.children.flatMap((node) =>
    node.kind === 'text' ? [...node.text.matchAll(guid)].map(([found]) => found) : node.kind === 'element' ? guidsIn(node) : [],
  );

/** Every item, one a page; the client loses what else a page has. */
async function pulled(context: string, resource: string): Promise<readonly XmlElement[]> {
  const found: XmlElement[] = [];
  for (;;) {
    const body = await post(filled(recorded.pull, { context, resource: filled(resource) }));
    const page = childNS(body, ns.enumeration, 'PullResponse');
    const items = childNS(page, ns.enumeration, 'Items');
    t.ok(items, 'Items are there, even empty');
    t.ok(childrenOf(items).length <= 1, 'one item a page, when none are asked for');
    found.push(...childrenOf(items));
    if (childNS(page, ns.enumeration, 'EndOfSequence') !== undefined) return found;
  }
}

const classes = new Classes(v2Classes);

/** What the client's own decoding takes for granted. */
function checkItem(item: XmlElement, resource: string): void {
  const wanted = resource.slice(resource.lastIndexOf('/') + 1);
  const cimClass = classes.find(localName(item));
  if (localName(item) !== wanted) t.fail(`an item is <${item.name}>, where ${wanted} was asked for`);
  if (item.namespace !== resource) t.fail(`${item.name} is in ${item.namespace}`);
  for (const { name, isArray } of cimClass?.properties ?? []) {
    const there = elements(item, name, item.namespace);
    if (!isArray && there.length !== 1) t.fail(`${item.name} has ${there.length} of the scalar ${name}`);
    if (isArray && there.some((each) => attribute(each, 'nil', ns.xsi) !== undefined)) t.fail(`${item.name} has a null array ${name}`);
  }
}

function learn(ids: Step['ids'], found: readonly string[]): void {
  for (const [at, old] of ids ?? []) {
    const now = found[at];
    if (now === undefined) throw new Error(`the answer has no GUID number ${at}`);
    ours.set(old.toLowerCase(), now);
  }
}

async function enumerated(step: Step, asked: XmlElement): Promise<void> {
  const context = textOf(childNS(childNS(asked, ns.enumeration, 'EnumerateResponse'), ns.enumeration, 'EnumerationContext')) ?? '';
  const resource = filled(step.pull ?? '');
  const items = await pulled(context, step.pull ?? '');
  if (!step.request.includes('EnumerateEPR')) for (const item of items) checkItem(item, resource);
  learn(step.ids, items.flatMap(guidsIn));
}

/** A change of state is under way until its job is done: the client asks again until it is. */
async function settled(): Promise<void> {
  while (simulator.host.jobs.all.some(({ state }) => state === 'running')) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function play({ name, steps }: Command): Promise<void> {
  said = '';
  for (const step of steps) {
    const asked = await post(filled(step.request));
    if (step.pull === undefined) learn(step.ids, guidsIn(asked));
    else await enumerated(step, asked);
    await settled();
  }
  if (steps.length === 0) throw new Error(`${name} asked nothing`);
}

const quantity = (part: 'Processor' | 'Memory') => simulator.machineNamed(machine)?.number(`Msvm_${part}SettingData`, 'VirtualQuantity');

/** What the client shows of an answer, or what has become of the machine, beside its state. */
const proofs: Readonly<Record<string, () => unknown>> = {
  'net-list': () => t.match(said, 'Default Switch'),
  define: () => t.same([quantity('Processor'), quantity('Memory')], [2, 512]),
  list: () => t.equal(said.includes('%_[1]'), simulator.machineNamed(machine) !== undefined),
  dominfo: () => t.match(said, />512<[\s\S]*Limit/),
  dumpxml: () => {
    for (const shown of ['C:\\vms\\a.vhdx', 'C:\\ISO\\boot.iso', '00155d123456', 'Default Switch']) t.ok(said.includes(shown), shown);
  },
  screenshot: () => t.match(said, /<p:ImageData>/),
  autostart: () => t.equal(simulator.machineNamed(machine)?.settings['AutomaticStartupAction'], '4'),
  setvcpus: () => t.equal(quantity('Processor'), 1),
};

t.test("libvirt's own client goes through a machine's whole life, command by command", async (t) => {
  const states: string[] = [];
  for (const command of recorded.commands) {
    await play(command);
    proofs[command.name]?.();
    states.push(`${command.name}: ${simulator.machineNamed(machine)?.state ?? 'none'}`);
  }
  t.same(states, [
    ...['list: none', 'net-list: none', 'define: off', 'list: off', 'dominfo: off', 'dumpxml: off'],
    ...['start: running', 'screenshot: running', 'suspend: paused', 'resume: running', 'autostart: running'],
    ...['reset: running', 'reboot: running', 'managedsave: saved', 'start: running', 'shutdown: off'],
    ...['setvcpus: off', 'start: running', 'destroy: off', 'undefine: none'],
  ]);
});
