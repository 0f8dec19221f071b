import type { Role } from '#platform/identity/identity.ts';

/** Who somebody is. How it proves that is not known here. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
}
