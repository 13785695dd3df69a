import type { ComPortName } from '#drivers/driver.js';
import type { ComPort } from './wmi/com-ports.js';

/**
 * What a COM port of ours ends in: on the host itself, and named after what no two machines have, as two that named the same would speak with each
 * other. By the name it is known to be ours. Windows does not mind the case of one.
 */
export const pipeFor = (uuid: string, port: ComPortName): string => `\\\\.\\pipe\\virtwright-${uuid.toLowerCase()}-${port.toLowerCase()}`;

interface Ports {
  readonly comPorts: readonly ComPort[];
}

const isOurs = ({ pipe, name }: ComPort, uuid: string): boolean => pipe.toLowerCase() === pipeFor(uuid, name);

export const ownPorts = ({ comPorts }: Ports, uuid: string): readonly ComPortName[] =>
  comPorts.filter((port) => isOurs(port, uuid)).map(({ name }) => name);

/** Those that others connected, for people. */
export const othersPorts = ({ comPorts }: Ports, uuid: string): readonly string[] =>
  comPorts.filter((port) => port.pipe !== '' && !isOurs(port, uuid)).map(({ name, pipe }) => `${name} (${pipe})`);

const mostShown = 256;

/** Where each leads that leads anywhere, whoever connected it. */
export const connectionsOf = ({ comPorts }: Ports): Readonly<Record<string, string>> =>
  Object.fromEntries(comPorts.flatMap(({ name, pipe }) => (pipe === '' ? [] : [[name.toLowerCase(), pipe.slice(0, mostShown)]])));
