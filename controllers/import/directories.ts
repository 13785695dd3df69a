import type { ContainerShape } from '#drivers/driver.js';
import { isOfOurMaking } from '../incomplete.js';

/** A volume, by where it is and what the host calls it. */
interface Placed {
  readonly location: string;
  readonly nativeName: string;
}

/** The host's own directories that containers which are imported have, each by a grant that is about it alone. */
export class Directories {
  readonly #users = new Map<string, string>();
  readonly #roots = new Map<string, string>();
  readonly #made: readonly Placed[];
  #privileged = false;

  constructor(volumes: readonly Placed[]) {
    this.#made = volumes.filter(({ nativeName }) => isOfOurMaking(nativeName));
  }

  /** Why they cannot be granted beside those that are taken. */
  hindrance(container: ContainerShape): string | undefined {
    const paths = pathsOf(container);
    for (const path of paths) {
      const volume = this.#made.find(({ location }) => path === location || isBeneath(path, location) || isBeneath(location, path));
      if (volume !== undefined) return `its directory ${path} would be a way to volume ${volume.nativeName}, which Virtwright made`;
    }
    const other = this.#roots.get(container.root);
    if (other !== undefined) return `${container.root} is the root of machine ${other}, too`;
    return this.#nested(paths);
  }

  /** Whoever may write above a directory could put a link in its place: no grant of both is heeded. */
  #nested(paths: readonly string[]): string | undefined {
    const all = [...paths, ...this.#users.keys()];
    for (const path of all) {
      const above = all.find((one) => isBeneath(path, one));
      if (above !== undefined)
        return `directory ${path} lies in ${above}, which ${this.#whose(above)} has; only one of them can be granted`;
    }
    return undefined;
  }

  #whose(path: string): string {
    const user = this.#users.get(path);
    return user === undefined ? 'it' : `machine ${user}`;
  }

  take(nativeName: string, container: ContainerShape): void {
    this.#roots.set(container.root, nativeName);
    for (const path of pathsOf(container)) if (!this.#users.has(path)) this.#users.set(path, nativeName);
    this.#privileged ||= container.privileged === true;
  }

  get paths(): readonly string[] {
    return [...this.#users.keys()];
  }

  /** Some of them are root on the host. */
  get privileged(): boolean {
    return this.#privileged;
  }
}

const pathsOf = ({ root, mounts = [] }: ContainerShape): readonly string[] => [root, ...mounts.map(({ location }) => location)];

const isBeneath = (path: string, above: string): boolean => path.startsWith(`${above}/`);
