import type { Volume } from './driver.js';
import { DriverError } from './error.js';

/** What no volume takes on a host that makes them empty, and nothing else. */
export abstract class EmptyVolumes {
  async copy(): Promise<Volume> {
    throw new DriverError('Unsupported', 'volumes are not cloned here');
  }

  async link(): Promise<Volume> {
    throw new DriverError('Unsupported', 'volumes are not cloned here');
  }

  async wipe(): Promise<void> {
    throw new DriverError('Unsupported', 'volumes are not wiped here');
  }

  async growAttached(): Promise<void> {
    throw new DriverError('Unsupported', 'a disk of a machine that is on is not grown here; switch the machine off first');
  }
}
