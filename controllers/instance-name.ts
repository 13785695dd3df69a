/** What a pool or a network is called on one host. */
export const instanceName = (name: string, hypervisor: string): string => `${name}.${hypervisor}`;
