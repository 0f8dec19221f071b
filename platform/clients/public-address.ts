import ipaddr from 'ipaddr.js';

/**
 * True if the text is an IP address of the public internet. False for addresses of private networks, of this machine, of
 * links (such as 169.254.169.254, the metadata of cloud machines), for shared, multicast and reserved addresses, for IPv6
 * forms of IPv4 addresses, and for all other texts. Source: the special-purpose registries of IANA, in ipaddr.js.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv4) return ipaddr.IPv4.isValidFourPartDecimal(text) && address.range() === 'unicast';
  // Only 2000::/3 is assigned to the internet. Source: RFC 4291, 2.4
  return address.range() === 'unicast' && ((address.parts[0] ?? 0) & 0xe000) === 0x2000;
}
