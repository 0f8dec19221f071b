import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { Recipient } from '../domain/delivery.ts';

/** The name and address of a user. */
export interface Contact {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
}

/** Saves contacts. Replaces the existing contacts of the same users. Deleted users are left out. */
export async function saveContacts(transaction: SqlExecutor, contacts: readonly Contact[]): Promise<void> {
  await transaction.$executeRaw(sql`
    INSERT INTO contacts (user_id, name, email)
    SELECT user_id, name, email FROM JSON_TABLE(${JSON.stringify(contacts)}, '$[*]' COLUMNS (
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.userId',
      name VARCHAR(120) PATH '$.name',
      email VARCHAR(254) PATH '$.email'
    )) AS contact
    WHERE NOT EXISTS (SELECT 1 FROM deleted_users WHERE deleted_users.user_id = contact.user_id)
    ON DUPLICATE KEY UPDATE name = VALUES(name), email = VALUES(email)`);
}

/** The columns of a contact that was joined with an outer join. Null while the user is not known here. */
export interface ContactColumns {
  readonly name: string | null;
  readonly email: string | null;
}

export const toRecipient = ({ name, email }: ContactColumns): Recipient | undefined =>
  name !== null && email !== null ? { name, email } : undefined;
