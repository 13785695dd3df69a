import { codes, Refusal } from '../../cim/codes.js';
import type { Input } from '../../cim/namespace.js';
import { type CimObject, textOfValue } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { InternalPort } from '../../model/wiring.js';
import { type Methods, objects, oneObject, serviceMethods, text } from '../methods.js';
import type { WiringObjects } from './wiring-objects.js';

const service = 'Msvm_VirtualSwitchManagementService';

/** What switches lead to. Whatever might cut the host off is always a job. */
export function wiringMethods(host: Host, shown: WiringObjects): Methods {
  const { wiring } = host;
  const create = (input: Input, mac: string) => {
    const { name } = wiring.makeInternal(text(input, 'Name'), text(input, 'FriendlyName'), mac);
    return { CreatedInternalEthernetPort: shown.internal(name) };
  };
  const slow = { className: 'Msvm_NetworkJob', isLong: true } as const;
  return {
    ...serviceMethods(host, service, {
      CreateInternalEthernetPort: (input) => create(input, text(input, 'MacAddress')),
      CreateInternalEthernetPortDynamicMac: (input) => create(input, host.newMac()),
      DeleteInternalEthernetPort: (input) => deleteInternal(host, oneObject(input, 'InternalEthernetPort')),
      ConnectSwitchPort: (input) => connect(host, input),
      DisconnectSwitchPort: (input) => {
        wiring.part(nameOf(oneObject(input, 'SwitchPort')));
        return {};
      },
      BindExternalEthernetPort: (input) => bind(host, oneObject(input, 'ExternalEthernetPort')),
      UnbindExternalEthernetPort: (input) => unbind(host, oneObject(input, 'ExternalEthernetPort')),
    }),
    ...serviceMethods(
      host,
      service,
      { SetupSwitch: (input) => setUp(host, input), TeardownSwitch: (input) => tearDown(host, input) },
      slow,
    ),
  };
}

function connect(host: Host, input: Input) {
  host.wiring.join(nameOf(oneObject(input, 'SwitchPort')), nameOf(oneObject(input, 'LANEndpoint')));
  return {};
}

/** Binds an adapter, and takes the host's network over to an internal one of the same address. */
function setUp(host: Host, input: Input) {
  const [outside, inside] = ['ExternalSwitchPort', 'InternalSwitchPort'].map((name) => nameOf(oneObject(input, name)));
  const adapter = externalId(oneObject(input, 'ExternalEthernetPort'));
  const { mac = '' } = host.adapters.find(({ id }) => id === adapter) ?? {};
  const { wiring } = host;
  for (const port of [outside, inside])
    if (wiring.joinedTo(port ?? '') !== undefined) throw new Refusal(codes.inUse, 'The switch is set up already.');
  bind(host, oneObject(input, 'ExternalEthernetPort'));
  const made = wiring.makeInternal(text(input, 'InternalEthernetPortName'), text(input, 'InternalEthernetPortFriendlyName'), mac);
  wiring.join(outside ?? '', adapter);
  wiring.join(inside ?? '', made.id);
  return {};
}

/** The other way: both have to be on one switch, and an internal adapter of that switch cannot be left out. */
function tearDown(host: Host, input: Input) {
  const { wiring } = host;
  const external = oneObject(input, 'ExternalEthernetPort');
  const port = wiring.portOf(externalId(external));
  const of = port === undefined ? undefined : switchOfPort(host, port);
  const [given] = objects(input, 'InternalEthernetPort');
  const internal = [...wiring.internal.values()].filter(({ id }) => switchOfPort(host, wiring.portOf(id)) === of);
  const isWhole = given === undefined ? internal.length === 0 : internal.some(({ name }) => name === nameOf(given));
  if (port === undefined || of === undefined || !isWhole) throw new Refusal(codes.invalidParameter, 'They are not on one switch.');
  wiring.part(port);
  if (given !== undefined) {
    const { id } = internalNamed(host, given);
    wiring.part(wiring.portOf(id) ?? '');
    wiring.internal.delete(nameOf(given));
  }
  return unbind(host, external);
}

function bind({ wiring }: Host, external: CimObject) {
  const id = externalId(external);
  if (wiring.bound.has(id)) throw new Refusal(codes.inUse, `'${textOfValue(external, 'ElementName')}' is bound to another switch.`);
  wiring.bound.add(id);
  return {};
}

function unbind({ wiring }: Host, external: CimObject) {
  const id = externalId(external);
  if (wiring.portOf(id) !== undefined) throw new Refusal(codes.invalidState, 'It is connected.');
  wiring.bound.delete(id);
  return {};
}

function deleteInternal(host: Host, of: CimObject) {
  const { id, name } = internalNamed(host, of);
  if (host.wiring.portOf(id) !== undefined) throw new Refusal(codes.invalidState, 'It is connected.');
  host.wiring.internal.delete(name);
  return {};
}

function internalNamed({ wiring }: Host, of: CimObject): InternalPort {
  const found = wiring.internal.get(nameOf(of));
  if (found === undefined) throw new Refusal(codes.invalidParameter, 'There is no such Ethernet port.');
  return found;
}

const switchOfPort = ({ switches }: Host, port: string | undefined): string | undefined =>
  [...switches.values()].find(({ ports }) => ports.some(({ values }) => values['Name'] === port))?.id;

const nameOf = (of: CimObject): string => textOfValue(of, 'Name') ?? '';
const externalId = (of: CimObject): string => (textOfValue(of, 'DeviceID') ?? '').replace(/[{}]/g, '').toUpperCase();
