import { currentDeadlineMs, runWithoutDeadline } from '#platform/clients/deadline.ts';
import type { Allocator } from './allocator.ts';

/**
 * Makes an allocator refuse requests that have not begun by their caller's deadline. The batch itself runs without a
 * deadline, because it also answers other callers.
 */
export const keepDeadlines = ({ submit, stop }: Allocator): Allocator => ({
  submit(request) {
    const deadlineMs = currentDeadlineMs();
    return runWithoutDeadline(() => submit(request, { deadlineMs }));
  },
  stop,
});
