import type { Console, Consoles, MachineId, Screenshot } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { toPng } from '#drivers/png.js';
import type { Inventory } from './inventory.js';
import { glanceOf, type NativeMachine } from './native.js';

/** In pixels: what of them fits into an answer that WinRM sends (500 KiB, and four characters for three bytes). */
const size = { width: 480, height: 360 };

/** Pictures of screens. A serial port is a pipe on the host, and graphics are RDP by the host's own service: WMI reaches neither. */
export class HypervConsoles implements Consoles {
  readonly #inventory: Inventory;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  async open(id: MachineId, signal: AbortSignal): Promise<Console> {
    throw hasNo(await this.#on(id, signal), 'serial console that could be reached from here');
  }

  async graphics(id: MachineId, signal: AbortSignal): Promise<Console> {
    throw hasNo(await this.#on(id, signal), 'graphics that could be reached from here; use Hyper-V Manager');
  }

  async screenshot(id: MachineId, signal: AbortSignal): Promise<Screenshot> {
    const { settings } = await this.#on(id, signal);
    const pixels = await this.#inventory.service.picture(settings.reference, size.width, size.height, signal);
    return toPng({ ...size, rgb: rgbOf(pixels) });
  }

  /** @throws DriverError Conflict */
  async #on(id: MachineId, signal: AbortSignal): Promise<NativeMachine> {
    const native = await this.#inventory.native(id, signal);
    const { nativeName, power } = glanceOf(native);
    if (power.state === 'Off') throw new DriverError('Conflict', `machine "${nativeName}" is Off: it shows nothing`);
    return native;
  }
}

const hasNo = (native: NativeMachine, what: string): DriverError =>
  new DriverError('Invalid', `machine "${glanceOf(native).nativeName}" has no ${what}`);

/** Of five, six and five bits, to eight each. */
function rgbOf(pixels: Buffer): Uint8Array {
  const rgb = new Uint8Array((pixels.length / 2) * 3);
  for (let at = 0; at < pixels.length / 2; at += 1) {
    const pixel = pixels.readUInt16LE(at * 2);
    rgb.set([((pixel >> 11) & 31) * 8.225, ((pixel >> 5) & 63) * 4.048, (pixel & 31) * 8.225], at * 3);
  }
  return rgb;
}
