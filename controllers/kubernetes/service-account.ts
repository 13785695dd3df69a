import { readFile } from 'node:fs/promises';

/** Where a kubelet puts what a pod may show of itself; it writes it anew before it runs out. */
const folder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The `Connection` of the service account of the pod that we run in; undefined where we run in none, or it has none. */
export async function podConnection() {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = process.env;
  const [token, namespace] = await Promise.all([read('token'), read('namespace')].map((text) => text.catch(() => undefined)));
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (host === '' || port === '' || token === undefined || !URL.canParse(url)) return undefined;
  return {
    server: new URL(url),
    namespace: namespace ?? 'default',
    async credentials() {
      const [fresh, ca] = await Promise.all([read('token'), read('ca.crt')]);
      return { headers: { Authorization: `Bearer ${fresh}` }, tls: { ca } };
    },
  };
}

const read = async (name: string): Promise<string> => (await readFile(`${folder}/${name}`, 'utf8')).trim();
