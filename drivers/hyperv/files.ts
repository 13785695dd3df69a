import { DriverError } from '#drivers/error.js';
import { quoted, where } from './wmi/wql.js';
import type { WsmanClient } from './wsman/client.js';
import type { Instance, Reference } from './wsman/instance.js';
import { classUri } from './wsman/names.js';

const cimv2 = 'root/cimv2';

/** A drive with a letter, of the host's own disks. */
export interface Disk {
  /** `c:` */
  readonly letter: string;
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

export interface StoredFile {
  /** In lower case, as Windows tells it. */
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** When it was last written to, as the host tells it; empty where it does not. */
  readonly modified: string;
}

/** What stands in folders of the host. WMI tells names in lower case, lists, and deletes; it carries no content. */
export class HostFiles implements AsyncDisposable {
  readonly #client: WsmanClient;

  constructor(client: WsmanClient) {
    this.#client = client;
  }

  async disks(signal: AbortSignal): Promise<readonly Disk[]> {
    const localDisk = 3;
    const found = await this.#query(`SELECT * FROM Win32_LogicalDisk${where({ DriveType: localDisk })}`, signal);
    return found.map((each) => ({
      letter: textIn(each, 'DeviceID').toLowerCase(),
      sizeBytes: numberIn(each, 'Size'),
      freeBytes: numberIn(each, 'FreeSpace'),
    }));
  }

  /** Folders directly below a drive's root that people see. */
  async folders(letter: string, signal: AbortSignal): Promise<readonly string[]> {
    const found = await this.#query(`SELECT * FROM Win32_Directory WHERE Drive = ${quoted(letter)} AND Path = ${quoted('\\')}`, signal);
    const isSeen = (each: Instance) => !isTrue(each, 'Hidden') && !isTrue(each, 'System');
    return found.filter(isSeen).map((each) => textIn(each, 'Name').toLowerCase());
  }

  /** Whether there is such a folder, however deep. */
  async isFolder(path: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#query(`SELECT * FROM Win32_Directory${where({ Name: path })}`, signal)).length > 0;
  }

  /** Which folder of its own the host offers by that name; undefined when none. */
  async shared(name: string, signal: AbortSignal): Promise<string | undefined> {
    const [found] = await this.#query(`SELECT * FROM Win32_Share${where({ Name: name })}`, signal);
    const path = found === undefined ? '' : textIn(found, 'Path').toLowerCase().replace(/\\+$/, '');
    return path === '' ? undefined : path;
  }

  /** Directly in a folder, `c:\vms`. */
  async files(folder: string, signal: AbortSignal): Promise<readonly StoredFile[]> {
    const [letter, path] = [folder.slice(0, 2), `${folder.slice(2)}\\`];
    const wql = `SELECT * FROM CIM_DataFile WHERE Drive = ${quoted(letter)} AND Path = ${quoted(path)}`;
    return (await this.#query(wql, signal)).map((each) => {
      const name = textIn(each, 'Name').toLowerCase();
      return {
        path: name,
        name: name.slice(name.lastIndexOf('\\') + 1),
        sizeBytes: numberIn(each, 'FileSize'),
        modified: textIn(each, 'LastModified'),
      };
    });
  }

  /** In bytes; undefined when there is no such file, or none of the host's own drives. */
  async sizeOf(path: string, signal: AbortSignal): Promise<number | undefined> {
    const [found] = await this.#query(`SELECT * FROM CIM_DataFile${where({ Name: path })}`, signal);
    return found === undefined ? undefined : numberIn(found, 'FileSize');
  }

  /** Gone already is success. @throws DriverError Busy or Denied */
  async delete(path: string, signal: AbortSignal): Promise<void> {
    const file: Reference = { kind: 'reference', resourceUri: classUri(cimv2, 'CIM_DataFile'), selectors: { Name: path } };
    try {
      const { returnValue } = await this.#client.invoke(file, 'Delete', {}, signal);
      if (returnValue !== 0 && returnValue !== notThere) throw refusal(path, returnValue);
    } catch (reason) {
      if (!(reason instanceof DriverError && reason.code === 'NotFound')) throw reason;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  #query(wql: string, signal: AbortSignal): Promise<readonly Instance[]> {
    return this.#client.query(cimv2, wql, signal);
  }
}

/** What `Delete` of CIM_DataFile returns. */
const [accessDenied, notThere, sharingViolation] = [2, 9, 15];

function refusal(path: string, code: number): DriverError {
  if (code === sharingViolation) return new DriverError('Busy', `file "${path}" is in use: switch off what has it`);
  if (code === accessDenied) return new DriverError('Denied', `file "${path}": the account may not delete it`);
  return new DriverError('Internal', `file "${path}" is not deleted, and Windows says no more than ${code}`);
}

function textIn({ properties }: Instance, name: string): string {
  const [value] = properties.get(name) ?? [];
  return typeof value === 'string' ? value : '';
}

const isTrue = (of: Instance, name: string): boolean => /^true$/i.test(textIn(of, name));

function numberIn(of: Instance, name: string): number {
  const value = Number(textIn(of, name));
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
