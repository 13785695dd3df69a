import { buildPeer } from '#test/peers/build.js';

/** The folder of kube-apiserver, kubectl and etcd, built when need be. Rejects with AssetsMissing where Go is missing. */
export function findAssets(): Promise<string> {
  return buildPeer('kubernetes');
}
