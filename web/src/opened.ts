/** The address by which the page was opened, before the router made it its own and left out what it does not know. */
export const opened = { address: window.location.href }
