/** Of images that can be judged by their headers. Tar is an archive of files, of which a directory is made. */
export type ImageFormat = 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx' | 'Tar';
