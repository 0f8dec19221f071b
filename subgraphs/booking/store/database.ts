import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';

export type BookingDatabase = PrismaClient;
export type BookingTransaction = Prisma.TransactionClient;
