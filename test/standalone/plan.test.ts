/** The same suite as on a real kube-apiserver. */
process.env['VIRTWRIGHT_API_SERVER'] = 'standalone';
await import('#test/cluster/plan.test.js');

export {};
