/** The same suite as on a real kube-apiserver. */
process.env['VIRTWRIGHT_API_SERVER'] = 'standalone';
await import('#controllers/kubernetes/cluster.test.js');

export {};
