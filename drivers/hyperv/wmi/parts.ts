import { type Card, cardsOf } from './cards.js';
import type { ObjectOf } from './class.js';
import { card, connection, image, resource, serialPort, vlanSettings } from './classes.js';
import { type ComPort, comPortsOf } from './com-ports.js';
import { type Controller, controllersOf, type Drive, drivesOf } from './drives.js';
import { machineIn } from './part.js';
import { lookAtPorts, noPorts } from './port-look.js';
import type { Wmi } from './wmi.js';

/** What a machine has beside processors and memory. */
export interface MachineParts {
  readonly controllers: readonly Controller[];
  readonly drives: readonly Drive[];
  readonly cards: readonly Card[];
  readonly comPorts: readonly ComPort[];
}

type Has = { readonly common: { readonly InstanceID: string } };

/** The parts of all machines for which the condition holds, which is WQL and about their InstanceID. By GUID in upper case. */
export async function partsOf(wmi: Wmi, condition: string, signal: AbortSignal): Promise<(id: string) => MachineParts> {
  const isV1 = wmi.version === 'v1';
  const [resources, images, ports, cards, plugs, tags] = await Promise.all([
    wmi.select(resource, condition, signal),
    isV1 ? undefined : wmi.select(image, condition, signal),
    isV1 ? undefined : wmi.select(serialPort, condition, signal),
    wmi.select(card, condition, signal),
    isV1 ? [] : wmi.select(connection, condition, signal),
    isV1 ? [] : wmi.select(vlanSettings, condition, signal),
  ]);
  const switchPorts = isV1 && cards.length > 0 ? await lookAtPorts(wmi, signal) : noPorts;
  return (id) => {
    const isOfIt = ({ common }: Has) => machineIn(common.InstanceID) === id;
    const parts = resources.filter(isOfIt);
    return {
      controllers: controllersOf(parts),
      drives: drivesOf(parts, images?.filter(isOfIt) ?? parts),
      cards: cardsOf(
        cards.filter(isOfIt),
        plugs.filter((plug) => machineOfPlug(plug) === id),
        tags,
        switchPorts,
      ),
      comPorts: comPortsOf(ports?.filter(isOfIt) ?? parts),
    };
  };
}

const machineOfPlug = (plug: ObjectOf<typeof connection>): string | undefined =>
  plug.version === 'v2' ? machineIn(plug.v2.InstanceID) : undefined;
