export type MachineId = string & { readonly __brand: 'MachineId' };
export type PoolId = string & { readonly __brand: 'PoolId' };
export type NetworkId = string & { readonly __brand: 'NetworkId' };

export interface VolumeId {
  readonly pool: PoolId;
  readonly nativeName: string;
}
