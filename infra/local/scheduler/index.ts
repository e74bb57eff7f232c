export { createScheduler } from './scheduler.ts';
export type { ScheduleDefinition, ScheduledRule, Scheduler, SchedulerOptions, UpcomingFiring } from './types.ts';
