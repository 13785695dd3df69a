/** Of images that can be judged by their headers. */
export type ImageFormat = 'Raw' | 'Qcow2' | 'Vmdk' | 'Vhdx';
