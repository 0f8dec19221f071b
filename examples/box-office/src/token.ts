/** Returns the token in the fragment of the address, which browsers do not send to the server; an empty text without one. */
export const tokenInAddress = (): string => new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
