#include "lab.h"
void suite_bounds(void)
{
}
