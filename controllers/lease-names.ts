/** What the agent of a host renews, so that the controller sees that it lives. */
export const leaseOf = (hypervisor: string): string => `virtwright-agent-${hypervisor}`;

/** Whoever holds it leads. */
export const controllerLease = 'virtwright-controller';
