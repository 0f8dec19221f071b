import { currentDeadlineMs, runWithoutDeadline } from '#platform/clients/deadline.ts';
import type { Allocator } from './allocator.ts';

/**
 * Makes an allocator refuse a request that has not begun by the deadline of its caller. The batch that it begins answers
 * other callers, too, and so has no caller's deadline.
 */
export const keepDeadlines = ({ submit, stop }: Allocator): Allocator => ({
  submit(request) {
    const deadlineMs = currentDeadlineMs();
    return runWithoutDeadline(() => submit(request, { deadlineMs }));
  },
  stop,
});
