/** Windows' own, in which nobody looks for disks. */
const notForDisks = ['windows', 'program files', 'program files (x86)', 'programdata', 'users', 'perflogs', 'boot', 'efi', 'recovery'];

/** Of a folder directly below a drive's root, in lower case. */
export const isForDisks = (path: string): boolean => !notForDisks.includes(path.slice(path.lastIndexOf('\\') + 1));

/** Whether it is a pool, where it is a folder that people see; the one that Hyper-V itself puts disks in is one wherever it is, which no path tells. */
export const mayBePool = (path: string): boolean => /^[a-z]:\\[^\\]+$/i.test(path) && isForDisks(path.toLowerCase());
