import { z } from 'zod'

/** A whole number from 1 on. */
export const positive = z.number().int().positive()

/** One of the names that a table holds. */
export const namesOf = <T extends object>(all: T) =>
  z.enum(Object.keys(all) as [keyof T & string, ...(keyof T & string)[]])
