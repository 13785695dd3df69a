/** The suite of machines, on a simulated Hyper-V with version 1 of its WMI in place of a host in memory. */
process.env['VIRTWRIGHT_API_SERVER'] = 'standalone';
process.env['VIRTWRIGHT_HOST'] = 'hyperv-v1';
await import('#test/cluster/machine.test.js');

export {};
